import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeChoice, judgeOrder, judgeTyped, shuffled, suggested } from '../../../src/islands/cards/attempt.ts';
import { deck } from './support.ts';

const card = (id: string) => deck.find((each) => each.id === id)!;

describe('a typed answer', () => {
  it.each([
    ['PermissIve', 'permissive:hear', 'right'],
    ['service-mesh', 'service-mesh:hear', 'right'],
    ['servcie mesh', 'service-mesh:hear', 'almost'],
    ['envoi', 'envoy:hear', 'almost'],
    ['akk', 'ack:hear', 'wrong'],
    ['istio', 'envoy:hear', 'wrong'],
    ['perTryTimeout', 'per-try-timeout:yaml', 'right'],
    ['pertrytimeout:', 'per-try-timeout:yaml', 'right'],
    ['timeout', 'per-try-timeout:yaml', 'wrong'],
  ])('%s on %s is %s', (typed, id, verdict) => {
    expect(judgeTyped(card(id), typed).verdict).toBe(verdict);
  });

  it('is right in each spelling that the term has', () => {
    for (const each of deck.filter(({ type }) => type === 'hear'))
      for (const name of each.accepts ?? []) expect(judgeTyped(each, name).verdict).toBe('right');
  });
});

describe('a choice and an order', () => {
  it('judges a choice by the answer of the card', () => {
    const flag = deck.find(({ type }) => type === 'flag')!;
    expect(flag.choices!.map((choice) => judgeChoice(flag, choice).verdict === 'right')).toEqual(
      flag.choices!.map((choice) => choice === flag.answer),
    );
  });

  it('takes two neighbours in exchange as almost right, and more as wrong', () => {
    const order = deck.find(({ id }) => id === 'xds:order-push')!;
    const parts = [...order.parts!];
    expect(judgeOrder(order, parts).verdict).toBe('right');
    expect(judgeOrder(order, [parts[1]!, parts[0]!, ...parts.slice(2)]).verdict).toBe('almost');
    expect(judgeOrder(order, parts.toReversed()).verdict).toBe('wrong');
    expect(judgeOrder(order, [parts[2]!, parts[1]!, parts[0]!, ...parts.slice(3)]).verdict).toBe('wrong');
  });

  it('never asks for an order that is there already, and loses no part', () => {
    const parts = fc.uniqueArray(fc.string(), { minLength: 2, maxLength: 7 });
    fc.assert(
      fc.property(parts, fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })), (list, numbers) => {
        const order = shuffled(list, () => numbers.next().value);
        expect(order).not.toEqual(list);
        expect(order.toSorted()).toEqual(list.toSorted());
      }),
    );
  });

  it('suggests Good without an attempt, Again after a wrong one', () => {
    const verdicts = ['right', 'almost', 'wrong'] as const;
    expect(suggested(undefined)).toBe(3);
    expect(verdicts.map((verdict) => suggested({ verdict, text: '' }))).toEqual([3, 2, 1]);
  });
});
