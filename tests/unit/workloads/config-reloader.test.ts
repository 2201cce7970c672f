import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually, TestNet } from './support.ts';

let net: TestNet;
beforeEach(() => {
  net = new TestNet();
});
afterEach(() => net.close());

it('the config reloader asks Prometheus to read its files again when one has changed, and until it has', async () => {
  let status = 503;
  const asked: string[] = [];
  await net.serve('prom', (request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.writeHead(status).end();
  });
  const files: Record<string, string> = { '/etc/config/prometheus.yml': 'a' };
  const args = ['--watched-dir=/etc/config', '--listen-address=0.0.0.0:8080', '--reload-url=http://prom:9090/-/reload'];
  const reloader = await net.run('prometheus-config-reloader:v0.89.0', 'reloader', {}, { args, files });
  expect((await net.fetch('http://reloader:8080/healthz')).status).toBe(200);
  await eventually(() => reloader.logs.length === 2);
  expect(reloader.logs[1]).toContain('Failed to trigger reload');
  status = 200;
  net.clock.advance(2000);
  await eventually(() => reloader.logs.length === 3);
  expect(asked).toEqual(['POST /-/reload', 'POST /-/reload']);
  for (let turn = 0; turn < 3; turn++) {
    await eventually(() => net.clock.waiting > 0);
    net.clock.advance(2000);
  }
  files['/etc/config/prometheus.yml'] = 'b';
  await eventually(() => net.clock.waiting > 0);
  net.clock.advance(2000);
  await eventually(() => reloader.logs.length === 4);
  expect(asked).toHaveLength(3);
});
