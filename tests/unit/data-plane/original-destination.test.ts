import { describe, expect, it, vi } from 'vitest';
import { readOriginalDst } from '../../../server/data-plane/config/original-dst.ts';
import type { Exchange } from '../../../server/data-plane/http/exchange.ts';
import { Headers } from '../../../server/data-plane/http/headers.ts';
import { destinationOf } from '../../../server/data-plane/http/router/original-destination.ts';
import type { UpstreamCluster } from '../../../server/data-plane/upstream/cluster.ts';

const CAPTURED = { ip: '10.0.0.9', port: 80 };

function find(
  config: Record<string, unknown> | undefined,
  headers: Record<string, string>,
  { direct = false, metadata = {} }: { direct?: boolean; metadata?: Record<string, Record<string, unknown>> } = {},
) {
  const count = vi.fn();
  const originalDst = readOriginalDst({ name: 'a', ...(config && { original_dst_lb_config: config }) });
  const exchange = {
    connection: { direct, localAddress: CAPTURED },
    head: { headers: Headers.of(headers) },
    dynamicMetadata: { of: (namespace: string) => metadata[namespace] },
  };
  const cluster = { config: { originalDst }, stats: { count } };
  const found = destinationOf(exchange as unknown as Exchange, cluster as unknown as UpstreamCluster);
  return { found, invalid: count.mock.calls.length };
}

describe('where a request for an original destination goes', () => {
  const header = { use_http_header: true };

  it('is where capture found its client going, and nowhere when the client dialled the proxy', () => {
    expect(find(undefined, {}).found).toEqual(CAPTURED);
    expect(find(undefined, {}, { direct: true }).found).toBeUndefined();
  });

  it('is what the header says, where the cluster looks at it', () => {
    const told = { 'x-envoy-original-dst-host': '10.1.1.1:8080' };
    expect(find(header, told).found).toEqual({ ip: '10.1.1.1', port: 8080 });
    expect(find({}, told).found).toEqual(CAPTURED);
    const six = { 'x-where': '[fd00::1]:443' };
    expect(find({ ...header, http_header_name: 'X-Where' }, six).found).toEqual({ ip: 'fd00::1', port: 443 });
  });

  it.each(['name:80', '10.0.0.1', '10.0.0.1:99999', 'fd00::1:443', ':80', ''])('is not %j, which counts', (text) => {
    expect(find(header, { 'x-envoy-original-dst-host': text })).toEqual({ found: CAPTURED, invalid: 1 });
  });

  it('is what a filter has said before all that', () => {
    const config = { ...header, metadata_key: { key: 'chooser', path: [{ key: 'to' }, { key: 'host' }] } };
    const metadata = { chooser: { to: { host: '10.2.2.2:90' } } };
    const found = find(config, { 'x-envoy-original-dst-host': '10.1.1.1:8080' }, { metadata });
    expect(found).toEqual({ found: { ip: '10.2.2.2', port: 90 }, invalid: 0 });
  });
});
