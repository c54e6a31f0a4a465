// Bundles the page. Usage: node build.mjs [OUTPUT-DIRECTORY]   (default: $TANDEM_HTML_OUT, then dist)
// The modules are looked for in the working directory's node_modules first, so that a build
// outside the source tree leaves the source tree alone.
import { copyFile, mkdir, readdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const source = path.join(here, 'src');
const out = path.resolve(process.argv[2] || process.env.TANDEM_HTML_OUT || 'dist');
const require = createRequire(pathToFileURL(path.join(process.cwd(), 'package.json')));
const esbuild = require('esbuild');

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
const result = await esbuild.build({
  entryPoints: { tandem: path.join(source, 'main.js'), style: path.join(source, 'style.css') },
  outdir: out,
  bundle: true,
  minify: true,
  sourcemap: false,
  legalComments: 'none',
  format: 'esm',
  target: ['chrome100', 'firefox102', 'safari15.4'],
  nodePaths: [path.join(process.cwd(), 'node_modules'), path.join(here, 'node_modules')],
  logLevel: 'warning',
});
if (result.warnings.length > 0) process.exitCode = 1;
for (const name of await readdir(source)) {
  if (/\.(html|svg|webmanifest)$/.test(name)) await copyFile(path.join(source, name), path.join(out, name));
}
