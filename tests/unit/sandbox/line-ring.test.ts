import { describe, expect, it } from 'vitest';
import { LineRing } from '../../../server/sandbox/kubelet/line-ring.ts';

const ring = (maxLines: number, maxBytes: number): LineRing => new LineRing({ maxLines, maxBytes });

describe('the newest lines of a log', () => {
  it('gives back each line with its time, oldest first', () => {
    const lines = ring(10, 1000);
    lines.push('first', 1.5);
    lines.push('', 2);
    lines.push('zweite Zeile: grün, 3 €, 🙂', 3);
    expect(lines.entries()).toEqual([
      { text: 'first', atMs: 1.5 },
      { text: '', atMs: 2 },
      { text: 'zweite Zeile: grün, 3 €, 🙂', atMs: 3 },
    ]);
  });

  it('gives up the oldest lines beyond the limit of their number', () => {
    const lines = ring(100, 1_000_000);
    for (let i = 0; i < 12_345; i++) lines.push(`line ${i}`, i);
    const kept = lines.entries();
    expect(kept).toHaveLength(100);
    expect(kept[0]).toEqual({ text: 'line 12245', atMs: 12_245 });
    expect(kept.at(-1)).toEqual({ text: 'line 12344', atMs: 12_344 });
  });

  it('gives up the oldest lines beyond the limit of their bytes', () => {
    const lines = ring(1000, 10_000);
    for (let i = 0; i < 5000; i++) lines.push(`${i}`.padEnd(99, i % 2 === 0 ? 'x' : 'y'), i);
    const kept = lines.entries();
    expect(kept).toHaveLength(101);
    expect(kept.map(({ atMs }) => atMs)).toEqual(Array.from({ length: 101 }, (_, i) => 4899 + i));
    for (const { text, atMs } of kept) expect(text).toBe(`${atMs}`.padEnd(99, atMs % 2 === 0 ? 'x' : 'y'));
  });

  it('keeps lines whole while it grows', () => {
    const lines = ring(1000, 600_000);
    const texts = Array.from({ length: 400 }, (_, i) => String.fromCharCode(97 + (i % 26)).repeat(i * 3));
    texts.forEach((text, i) => void lines.push(text, i));
    expect(lines.entries().map(({ text }) => text)).toEqual(texts);
  });
});
