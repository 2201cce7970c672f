import { describe, expect, it } from 'vitest';
import { Stats } from '../../../server/data-plane/stats/stats.ts';

describe('figures that are taken away', () => {
  const make = (): Stats => {
    const stats = new Stats();
    for (const name of ['a', 'a.b', 'ab']) {
      stats.stat(`cluster.${name}.rq`).value = 1;
      stats.level(`cluster.${name}.active`).value = 2;
      stats.gauge(`cluster.${name}.hosts`, () => 3);
      stats.declare(`cluster.${name}.`, ['declared']);
      stats.histogram(`cluster.${name}.time`).record(4);
    }
    return stats;
  };

  it('are those below the prefix, and no others', () => {
    const stats = make();
    stats.remove('cluster.ab.');
    expect([...stats.complete().keys()].filter((name) => name.startsWith('cluster.ab.'))).toEqual([]);
    expect([...stats.histograms().keys()]).toEqual(['cluster.a.b.time', 'cluster.a.time']);
    expect(stats.values().get('cluster.a.rq')).toBe(1);
    stats.remove('cluster.a.');
    expect([...stats.complete().keys()]).toEqual([]);
  });

  it('begin again at 0 when they are made anew', () => {
    const stats = make();
    stats.remove('cluster.a.');
    expect(stats.stat('cluster.a.rq').value).toBe(0);
    stats.stat('cluster.a.rq').value = 7;
    expect(stats.values().get('cluster.a.rq')).toBe(7);
  });

  it('are looked for once, however many go together', () => {
    const stats = new Stats();
    const count = 3000;
    for (let i = 0; i < count; i++) for (let n = 0; n < 10; n++) stats.stat(`cluster.service-${i}.figure-${n}`);
    for (let i = 0; i < count; i++) stats.remove(`cluster.service-${i}.`);
    stats.stat('server.live');
    expect([...stats.values().keys()]).toEqual(['server.live']);
  });
});
