// What README.md has a reader write: configurations, and pages.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { TOP } from './daemon.mjs';

const README = readFileSync(path.join(TOP, 'README.md'), 'utf8');

const FENCED = /^```js\n([^]*?)^```$/gm;

// The scripts for browsers.
export const scripts = [...README.matchAll(FENCED)].map(([, script]) => script);

// Indented paragraphs that begin with a setting.
export const blocks = [...README.replace(FENCED, '').matchAll(/(?:^ {4}.*\n)+/gm)].map(([text]) => text.replace(/^ {4}/gm, ''))
  .filter((text) => /^\w+\s*[:=]\s*[({"]/.test(text));

// What a command prints: { command, output } of the one that begins so.
export function commandWith(start) {
  const [, command, output] = README.match(new RegExp(`^ {4}\\$ (${start}.*)\\n((?: {4}.*\\n)+)`, 'm'));
  return { command, output: output.replace(/^ {4}/gm, '') };
}

// A setting that stands in a sentence.
export const settingInText = (name) => `${new RegExp(`\`(${name} : \\{.*?\\};)\``).exec(README)[1]}\n`;

// The settings of a text by their names.
export const settings = (text) => new Map(text.split(/^(?=\w)/m).map((setting) => [/^\w+/.exec(setting)[0], setting]));

// The first block in which `text` is.
export function blockWith(text) {
  const block = blocks.find((candidate) => candidate.includes(text));
  if (!block) throw new Error(`README.md has no configuration with ${text}`);
  return block;
}

// The first: all that a gateway needs.
export const [whole] = blocks;

// A setting of a later text stands in the place of an earlier one's of the same name, as README.md has it done.
export const compose = (...texts) => [...texts.reduce((all, text) => new Map([...all, ...settings(text)]), new Map()).values()].join('');

// `changes`: [[what README.md has, what the reader has], ...]; all of them must be found.
export function change(text, changes) {
  return changes.reduce((changed, [from, to]) => {
    if (!changed.includes(from)) throw new Error(`${from} is not in README.md's\n${text}`);
    return changed.replaceAll(from, to);
  }, text);
}
