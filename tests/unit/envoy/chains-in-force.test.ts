import { describe, expect, it } from 'vitest';
import { ChainsInForce } from '../../../server/envoy/chains-in-force.ts';

const strict = { transport_socket: { name: 'tls' } };
const open = { filters: [] };
const other = { name: 'other' };

describe('the filter chains of a real Envoy', () => {
  it('serve requests as before a change once the listener has it without them', () => {
    const chains = new ChainsInForce();
    const [before, same] = chains.sent('virtualInbound', [open, other]);
    chains.answered(true, 1000);
    expect(chains.isFormer(before!, 2000)).toBe(false);
    const marks = chains.sent('virtualInbound', [strict, other]);
    // Until it is taken, the former one is in force.
    expect(chains.isFormer(before!, 2000)).toBe(false);
    chains.answered(true, 3000);
    expect(marks[1]).toBe(same);
    expect([before!, ...marks].map((mark) => chains.isFormer(mark, 3001))).toEqual([true, false, false]);
    // A request that was under way by then belongs to the time before.
    expect(chains.isFormer(before!, 2999)).toBe(false);
  });

  it('are in force again when they come back, and stay so when the change was refused', () => {
    const chains = new ChainsInForce();
    const [first] = chains.sent('a', [open]);
    chains.answered(true, 1000);
    chains.sent('a', [strict]);
    chains.answered(false, 2000);
    expect(chains.isFormer(first!, 3000)).toBe(false);
    const [second] = chains.sent('a', [strict]);
    chains.answered(true, 4000);
    chains.sent('a', [open]);
    chains.answered(true, 5000);
    expect([first!, second!].map((mark) => chains.isFormer(mark, 6000))).toEqual([false, true]);
  });

  it('end with their listener, and are not those of another that says the same', () => {
    const chains = new ChainsInForce();
    const [here] = chains.sent('a', [open]);
    const [there] = chains.sent('b', [open]);
    chains.answered(true, 1000);
    chains.sent('a', []);
    chains.answered(true, 2000);
    expect([here!, there!].map((mark) => chains.isFormer(mark, 3000))).toEqual([true, false]);
  });
});
