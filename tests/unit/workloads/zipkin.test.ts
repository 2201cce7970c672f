import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bodyOf, type RunningImage, TestNet } from './support.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

interface Told {
  readonly traceId: string;
  readonly id: string;
}

describe('zipkin', () => {
  let net: TestNet;
  let zipkin: RunningImage;

  beforeEach(async () => {
    net = new TestNet();
    zipkin = await net.run('zipkin', 'zipkin');
  });
  afterEach(() => net.close());

  const span = (id: string, service: string, fields: object = {}): object => ({
    traceId: TRACE,
    id,
    kind: 'SERVER',
    name: 'GET /',
    timestamp: net.clock.now() * 1000 + Number.parseInt(id, 16),
    duration: 1000,
    localEndpoint: { serviceName: service },
    ...fields,
  });
  const post = (body: string) => zipkin.get('/api/v2/spans', { method: 'POST', body });
  const ask = async <Body>(path: string): Promise<Body> => bodyOf<Body>(await zipkin.get(path));

  it('joins what several proxies tell of one trace, in the order of its spans', async () => {
    const first = await post(JSON.stringify([span('3', 'cart', { parentId: '2' }), span('1', 'gateway')]));
    expect([first.status, first.body.length]).toEqual([202, 0]);
    await post(JSON.stringify([span('2', 'gateway', { parentId: '1', kind: 'CLIENT', tags: { error: 'true' } })]));
    const ids = (await ask<Told[]>(`/api/v2/trace/${TRACE}`)).map(({ id }) => id);
    expect(ids).toEqual(['1', '2', '3'].map((id) => id.padStart(16, '0')));
    expect(await ask('/api/v2/services')).toEqual(['cart', 'gateway']);
    expect(await ask('/api/v2/spans?serviceName=cart')).toEqual(['get /']);
    expect(await ask('/api/v2/dependencies?endTs=1')).toEqual([{ parent: 'gateway', child: 'cart', callCount: 1 }]);
    expect(zipkin.logs.at(-1)).toContain(`trace=${TRACE} id=0000000000000002`);
  });

  it('finds traces by service, span, tag, duration and time, the newest first', async () => {
    const other = 'a'.repeat(32);
    await post(JSON.stringify([span('1', 'gateway'), span('2', 'cart', { tags: { 'http.status_code': '503' } })]));
    net.clock.advance(60_000);
    await post(JSON.stringify([span('5', 'gateway', { traceId: other, duration: 9000 })]));
    const found = async (query: string): Promise<string[]> =>
      (await ask<Told[][]>(`/api/v2/traces?${query}`)).map((trace) => trace[0]?.traceId ?? '');
    net.clock.advance(1);
    expect(await found('')).toEqual([other, TRACE]);
    expect(await found('limit=1')).toEqual([other]);
    expect(await found('serviceName=cart')).toEqual([TRACE]);
    expect(await found('serviceName=gateway&spanName=get%20/&minDuration=5000')).toEqual([other]);
    expect(await found('annotationQuery=http.status_code%3D503')).toEqual([TRACE]);
    expect(await found('lookback=30000')).toEqual([other]);
    expect(await found('serviceName=nobody')).toEqual([]);
  });

  it('refuses what are no spans and says where', async () => {
    const broken = await post('{');
    expect([broken.status, broken.body.toString()]).toEqual([400, 'Malformed reading List<Span> from json\n']);
    const wrong = await post(JSON.stringify([{ traceId: 'xyz', id: '1' }]));
    expect(wrong.status).toBe(400);
    expect(wrong.body.toString()).toContain('0.traceId');
    expect((await zipkin.get('/api/v2/trace/12')).status).toBe(404);
    expect((await zipkin.get('/api/v2/traces?limit=many')).status).toBe(400);
  });
});
