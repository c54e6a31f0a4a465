// Waiting for something to become true, with an end.
export const LIMIT_MS = Number(process.env.INTEROP_LIMIT_MS || 20000);
const STEP_MS = 25;

export const delay = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export async function until(what, condition, limit = LIMIT_MS) {
  const end = Date.now() + limit;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`not within ${limit} ms: ${typeof what === 'function' ? what() : what}`);
    await delay(STEP_MS);
  }
}

export function within(what, promise, limit = LIMIT_MS) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${limit} ms: ${what}`)), limit);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
