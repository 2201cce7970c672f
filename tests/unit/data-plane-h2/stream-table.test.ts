import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Http2Stream } from '../../../server/data-plane/http/h2/stream.ts';
import { StreamTable } from '../../../server/data-plane/http/h2/stream-table.ts';

it('finds the streams that are open and no others, whatever opens and ends', () => {
  const steps = fc.array(fc.record({ open: fc.boolean(), pick: fc.nat() }), { maxLength: 400 });
  fc.assert(
    fc.property(steps, fc.constantFrom(1, 2, 37), (list, gap) => {
      const table = new StreamTable();
      const model = new Map<number, Http2Stream>();
      let next = 1;
      for (const { open, pick } of list) {
        if (open || model.size === 0) {
          const stream = { id: next } as Http2Stream;
          next += 2 * gap;
          table.add(stream);
          model.set(stream.id, stream);
        } else {
          const id = [...model.keys()][pick % model.size]!;
          table.remove(id);
          model.delete(id);
        }
        expect(table.size).toBe(model.size);
      }
      for (let id = 1; id < next; id += 2) expect(table.get(id)).toBe(model.get(id));
      expect(new Set(table.list())).toEqual(new Set(model.values()));
    }),
  );
});

it('does not grow with the streams that pass through it', () => {
  const table = new StreamTable();
  const lasting = { id: 1 } as Http2Stream;
  table.add(lasting);
  for (let id = 3; id < 200_001; id += 2) {
    table.add({ id } as Http2Stream);
    table.remove(id);
  }
  expect(table.list()).toEqual([lasting]);
  expect(table.get(1)).toBe(lasting);
});
