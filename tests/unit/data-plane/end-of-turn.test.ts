import { expect, it } from 'vitest';
import { afterNextTurn, afterTurn, atEndOfTurn } from '../../../server/data-plane/http/end-of-turn.ts';

/** Waits for the check phase of this turn of the loop. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('lets everything leave before work that no peer waits for, each in its own order', async () => {
  const order: string[] = [];
  afterTurn({ workLate: () => order.push('first log') });
  atEndOfTurn({ turnEnded: () => order.push('first answer') });
  afterTurn({ workLate: () => order.push('second log') });
  atEndOfTurn({ turnEnded: () => order.push('second answer') });
  expect(order).toEqual([]);
  await turn();
  expect(order).toEqual(['first answer', 'second answer', 'first log', 'second log']);
});

it('keeps what comes up meanwhile for the next turn', async () => {
  const order: string[] = [];
  atEndOfTurn({
    turnEnded: () => {
      order.push('answer');
      atEndOfTurn({ turnEnded: () => order.push('next answer') });
      afterTurn({ workLate: () => order.push('next log') });
    },
  });
  await turn();
  expect(order).toEqual(['answer']);
  await turn();
  expect(order).toEqual(['answer', 'next answer', 'next log']);
});

it('lets what arrives in the next turn go on before work of this turn that can wait so long', async () => {
  const order: string[] = [];
  afterNextTurn({ workLate: () => order.push('log') });
  atEndOfTurn({ turnEnded: () => order.push('answer') });
  await turn();
  atEndOfTurn({ turnEnded: () => order.push('next answer') });
  afterTurn({ workLate: () => order.push('next log') });
  await turn();
  expect(order).toEqual(['answer', 'next answer', 'log', 'next log']);
});
