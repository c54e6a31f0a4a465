// Two pages call each other, again and again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openPhone } from './lib/browser.mjs';
import { useWorld } from './lib/world.mjs';

const world = useWorld();
const CALLS = Number(process.env.INTEROP_CALLS || 50);
const TONE = { alice: 600, bob: 1500 };

async function pair(first, second) {
  return {
    alice: await openPhone(world.browser, world.gateway, first, 'alice', { tone: TONE.alice }),
    bob: await openPhone(world.browser, world.gateway, second, 'bob', { tone: TONE.bob }),
  };
}

async function connect(caller, callee) {
  await caller.call(callee.user);
  assert.equal((await callee.reach('incoming')).from, caller.user);
  await callee.do('answer');
  await Promise.all([caller.reach('confirmed'), callee.reach('confirmed')]);
}

for (const [first, second] of [['jssip', 'sipjs'], ['sipjs', 'jssip']]) {
  test(`${first} calls ${second}: audio both ways`, async () => {
    const { alice, bob } = await pair(first, second);
    await connect(alice, bob);
    await Promise.all([alice.hears(TONE.bob), bob.hears(TONE.alice)]);
    await bob.do('hangUp');
    await Promise.all([alice.reach('ended'), bob.reach('ended')]);
    await Promise.all([alice.close(), bob.close()]);
  });
}

test(`${CALLS} calls in a row, either side calls, either side hangs up: every BYE is answered 200`, async (context) => {
  const { alice, bob } = await pair('jssip', 'jssip');
  for (let i = 0; i < CALLS; i++) {
    const [caller, callee] = i & 1 ? [bob, alice] : [alice, bob];
    await connect(caller, callee);
    if (i < 2) await Promise.all([alice.hears(TONE.bob), bob.hears(TONE.alice)]);
    await (i & 2 ? caller : callee).do('hangUp');
    await Promise.all([alice.reach('ended'), bob.reach('ended')]);
  }
  const end = Date.now() + 5000;
  let counts;
  do counts = await Promise.all([alice.byes(), bob.byes()]);
  while (counts.some(({ sent, received }) => sent.length + received.length < CALLS) && Date.now() < end);
  for (const { sent, received } of counts) {
    assert.equal(sent.length + received.length, CALLS);
    assert.ok([...sent, ...received].every((code) => code === 200), `answers to BYE: ${[...sent, ...received]}`);
  }
  context.diagnostic(`${CALLS} calls, ${CALLS} BYE by each way answered 200, no 481`);
});
