import { describe, expect, it } from 'vitest';
import { LineRing } from '../../../server/sandbox/kubelet/line-ring.ts';
import { TextRing } from '../../../server/telemetry/hop-log/text-ring.ts';

const MB = 1024 * 1024;
const LINE = 'x'.repeat(1000);
const outsideMb = (): number => process.memoryUsage().arrayBuffers / MB;

/** Of sizes that double up to the last, the ones before take as much again; nothing is collected while they come and go. */
describe('memory that a log has outgrown', () => {
  it('is free at once, of a ring of texts', () => {
    const before = outsideMb();
    const ring = new TextRing(64 * 1024, 4 * MB);
    const place = { position: 0, length: 0 };
    for (let i = 0; i < 4000; i++) ring.write([LINE], 1, 0, place);
    expect(outsideMb() - before).toBeLessThan(5);
    expect(ring.read(place)).toBe(LINE);
  });

  it('is free at once, of the lines of a container', () => {
    const before = outsideMb();
    const ring = new LineRing({ maxLines: 4000, maxBytes: 4 * MB });
    for (let i = 0; i < 4000; i++) ring.push(LINE, i);
    expect(outsideMb() - before).toBeLessThan(8);
    expect(ring.entries().at(-1)).toEqual({ text: LINE, atMs: 3999 });
  });
});
