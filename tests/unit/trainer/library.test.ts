import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogEntry, OwnCard, Rating } from '#contract';
import { contentOf, defaultSettings, openLibrary } from '../../../src/islands/cards/library.ts';
import { buildQueue } from '../../../src/islands/cards/queue.ts';
import { foldLog } from '../../../src/islands/cards/schedule.ts';
import { catchUp, dueForecast, examPlan, statsOf } from '../../../src/islands/cards/stats.ts';
import { day, deck, entryId, history, memoriesOf, minute, review, scheduler, start } from './support.ts';

const own: OwnCard = { front: 'What ends at [15006]?', back: '15006', tags: ['ports'] };
const settings = (change: object, atMs = start): LogEntry => ({ kind: 'settings', id: entryId(), change, atMs });
const suspend = (card: string, on: boolean, atMs = start): LogEntry => ({
  kind: 'suspend',
  id: entryId(),
  card,
  on,
  atMs,
});
const write = (card: string, content: OwnCard | null, atMs = start): LogEntry => ({
  kind: 'card',
  id: entryId(),
  card,
  content,
  atMs,
});
const queueOf = (log: readonly LogEntry[], nowMs = start, canHear = true) =>
  buildQueue({ deck, log, nowMs, scheduler, canHear });

describe('the library', () => {
  it('has the deck, no card suspended and the usual settings, when nothing was done', () => {
    expect(openLibrary(deck, [])).toEqual({ cards: deck, suspended: new Set(), settings: defaultSettings });
  });

  it('adds a card of the learner, rewords it, and takes it away again', () => {
    const log = [write('own:1', own), write('own:1', { ...own, back: 'the inbound port' }, start + 1)];
    expect(openLibrary(deck, log).cards.at(-1)).toMatchObject({ id: 'own:1', type: 'own', answer: 'the inbound port' });
    expect(openLibrary(deck, [...log, write('own:1', null, start + 2)]).cards).toHaveLength(deck.length);
  });

  it('shows a card of the deck in the words of the learner, and in its own when they take theirs back', () => {
    const content = { ...own, front: 'Where does the [pod] live?', back: 'on a node' };
    const reworded = openLibrary(deck, [write('pod:meaning', content)]).cards.find(({ id }) => id === 'pod:meaning');
    expect(reworded).toMatchObject({ answer: 'on a node', term: 'pod', type: 'meaning' });
    expect(contentOf(reworded!)).toMatchObject({ front: content.front, back: content.back });
    const back = [write('pod:meaning', content), write('pod:meaning', null, start + 1)];
    expect(openLibrary(deck, back).cards).toEqual(deck);
  });

  it('takes the later of two settings, field by field, in whatever order the logs were joined', () => {
    const log = [settings({ newPerDay: 4, retention: 0.85 }), settings({ newPerDay: 12 }, start + 1)];
    const expected = { ...defaultSettings, newPerDay: 12, retention: 0.85 };
    expect(openLibrary(deck, log).settings).toEqual(expected);
    expect(openLibrary(deck, log.toReversed()).settings).toEqual(expected);
  });
});

describe('the queue under the learner’s settings', () => {
  it('leaves suspended cards out, and brings them back', () => {
    const first = queueOf([]).cards[0]!.id;
    const log = [suspend(first, true)];
    expect(queueOf(log).cards.map(({ id }) => id)).not.toContain(first);
    expect(queueOf([...log, suspend(first, false, start + 1)]).cards[0]?.id).toBe(first);
  });

  it('shows at most the day’s number of new cards, and none at 0', () => {
    expect(queueOf([settings({ newPerDay: 3 })]).fresh).toBe(3);
    expect(queueOf([settings({ newPerDay: 0 })])).toMatchObject({ fresh: 0, cards: [] });
  });

  it('never becomes a wall: the day’s reviews at most, the ones at most risk first, the rest waits', () => {
    const slugs = [...new Set(deck.map(({ slug }) => slug))].slice(0, 40);
    const log = slugs.flatMap((slug, index) => history(`${slug}:meaning`, start - (100 + index) * day, [3, 3, 3]));
    const { cards, due, waiting } = queueOf([...log, settings({ reviewsPerDay: 15, newPerDay: 0 })]);
    expect([cards.length, due, waiting]).toEqual([15, 15, 25]);
    expect(cards[0]?.slug).toBe(slugs.at(-1));
  });

  it('asks nothing to be heard where no voice speaks', () => {
    const heard = deck.filter(({ type }) => type === 'hear');
    const log = deck.filter(({ type }) => type !== 'hear').map(({ id }) => suspend(id, true));
    expect(queueOf(log, start, true).fresh).toBe(defaultSettings.newPerDay);
    expect(queueOf(log, start, false).cards).toEqual([]);
    expect(heard.length).toBeGreaterThan(100);
  });

  it('brings every known card once in the last two weeks before an interview', () => {
    const log = [...history('pod:meaning', start - 30 * day, [3, 3, 3, 3]), settings({ examDate: '2026-03-20' })];
    const plain = memoriesOf(log).get('pod:meaning')!.due.getTime();
    expect(plain).toBeGreaterThan(new Date(2026, 2, 20, 9).getTime());
    const days = Array.from({ length: 18 }, (_, index) => start + index * day);
    const shown = days.filter((nowMs) => queueOf(log, nowMs).cards.some(({ id }) => id === 'pod:meaning'));
    expect(shown.length).toBeGreaterThan(0);
    expect(shown[0]).toBeGreaterThanOrEqual(new Date(2026, 2, 5).getTime());
    const after = [...log, review('pod:meaning', shown[0]!, 3, 2)];
    expect(queueOf(after, shown[0]! + day).cards.some(({ id }) => id === 'pod:meaning')).toBe(false);
  });

  it('has each card at most once, of each term at most one new card, whatever was graded when', () => {
    const anyLog = fc.array(
      fc.record({ card: fc.nat(deck.length - 1), afterMs: fc.nat(40 * day), rating: fc.integer({ min: 1, max: 4 }) }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(anyLog, fc.nat(60 * day), (grades, laterMs) => {
        const log = grades.map(({ card, afterMs, rating }, index) => ({
          ...review(deck[card]!.id, start + afterMs, rating as Rating),
          id: `g${index}`,
        }));
        const { cards, fresh, due } = queueOf(log, start + laterMs);
        expect(new Set(cards.map(({ id }) => id)).size).toBe(cards.length);
        expect(cards.length).toBe(fresh + due);
        const memories = memoriesOf(log);
        const newSlugs = cards.filter(({ id }) => !memories.has(id)).map(({ slug }) => slug);
        expect(new Set(newSlugs).size).toBe(newSlugs.length);
        expect(fresh).toBeLessThanOrEqual(defaultSettings.newPerDay);
      }),
      { numRuns: 60 },
    );
  });
});

describe('a card that is forgotten on purpose', () => {
  it('is new again, and later reviews count', () => {
    const log = [
      ...history('pod:meaning', start - 10 * day, [3, 3]),
      { kind: 'forget', id: entryId(), card: 'pod:meaning', atMs: start } as LogEntry,
    ];
    expect(foldLog(log, scheduler).has('pod:meaning')).toBe(false);
    const again = [...log, review('pod:meaning', start + minute, 4)];
    expect(foldLog(again, scheduler).get('pod:meaning')?.reps).toBe(1);
  });
});

describe('statistics', () => {
  const log = [
    ...history('pod:meaning', start - 20 * day, [3, 3, 3, 3]),
    ...history('nonce:meaning', start - 20 * day, [3, 3, 1]),
    ...history('mtls:meaning', start - 200 * day, [3, 3, 3, 3, 3]),
  ];

  it('counts true retention over reviews of known cards only, young and mature apart', () => {
    const { retention, cardsSeen, reviews } = statsOf(log, start + day, scheduler);
    expect([cardsSeen, reviews]).toEqual([3, log.length]);
    expect(retention.all).toEqual({ reviews: 3, passed: 2, share: 2 / 3 });
    expect(retention.young).toMatchObject({ reviews: 3, passed: 2 });
    expect(retention.mature).toEqual({ reviews: 0, passed: 0 });
  });

  it('compares expected with real recall', () => {
    const { calibration } = statsOf(log, start + 20 * day, scheduler);
    expect(calibration.reduce((sum, { reviews }) => sum + reviews, 0)).toBe(6);
    for (const { expected } of calibration) expect(expected).toBeGreaterThan(0.8);
  });

  it('calls a card that was forgotten six times a leech', () => {
    const leech = history('pod:meaning', start - 300 * day, [3, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]);
    expect(statsOf(leech, start, scheduler).leeches).toEqual([{ card: 'pod:meaning', lapses: 6 }]);
  });

  it('forecasts each known card on the day it is due, overdue ones today', () => {
    const memories = memoriesOf(log);
    const forecast = dueForecast({ library: openLibrary(deck, log), memories, nowMs: start + 30 * day, days: 400 });
    const due = [...memories.values()].filter(({ scheduled_days }) => scheduled_days >= 1);
    expect(forecast.reduce((sum, count) => sum + count, 0)).toBe(due.length);
    expect(forecast[0]).toBe(due.filter((memory) => memory.due.getTime() < start + 31 * day).length);
  });

  it('tells in how many days a pile is gone', () => {
    expect(catchUp([40, 5, 5, 5, 5, 5], 15)).toEqual({ pile: 40, perDay: 15, days: 4 });
    expect(catchUp([40, 20, 20], 15)).toEqual({ pile: 40, perDay: 15 });
    expect(catchUp([3], 15)).toEqual({ pile: 3, perDay: 15, days: 1 });
  });

  it('plans the new cards that are left by the day of the interview', () => {
    const planned = [...log, settings({ examDate: '2026-03-22' })];
    const plan = examPlan(openLibrary(deck, planned), memoriesOf(planned), start);
    expect(plan).toEqual({ daysLeft: 20, fresh: deck.length - 3, perDay: Math.ceil((deck.length - 3) / 20) });
    expect(examPlan(openLibrary(deck, log), memoriesOf(log), start)).toBeUndefined();
  });
});
