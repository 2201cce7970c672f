import { describe, expect, it } from 'vitest';
import { captureRules } from '../../../server/sandbox/network/capture-rules.ts';

const rules = (annotations: Record<string, string>) =>
  captureRules(
    Object.fromEntries(Object.entries(annotations).map(([name, value]) => [`traffic.sidecar.istio.io/${name}`, value])),
  );

describe('what a sidecar captures', () => {
  it('is everything, except what the proxy itself serves', () => {
    const all = rules({});
    expect(all.outbound({ ip: '127.9.128.1', port: 443 })).toBe(true);
    expect([8080, 15020, 15021, 15090].map((port) => all.inbound(port))).toEqual([true, false, false, false]);
    expect(all.args.join(' ')).toContain('-i * -x  -b * -d 15090,15021,15020');
  });

  it.each([
    [{ excludeOutboundPorts: '3306, 6379' }, { ip: '127.9.128.1', port: 6379 }, false],
    [{ excludeOutboundPorts: '3306' }, { ip: '127.9.128.1', port: 80 }, true],
    [{ excludeOutboundIPRanges: '127.9.128.0/24' }, { ip: '127.9.128.7', port: 80 }, false],
    [{ includeOutboundIPRanges: '127.9.128.0/17' }, { ip: '127.9.200.7', port: 80 }, true],
    [{ includeOutboundIPRanges: '127.9.128.0/17' }, { ip: '127.9.1.7', port: 80 }, false],
    [{ includeOutboundIPRanges: '' }, { ip: '127.9.1.7', port: 80 }, false],
    [{ includeOutboundIPRanges: '', includeOutboundPorts: '80' }, { ip: '127.9.1.7', port: 80 }, true],
    [{ includeOutboundIPRanges: '127.9.1.7' }, { ip: '127.9.1.7', port: 80 }, true],
  ])('of %j to %j is %s', (annotations, destination, captured) => {
    expect(rules(annotations as unknown as Record<string, string>).outbound(destination)).toBe(captured);
  });

  it('leaves out inbound ports that are excluded, or that are not among the included', () => {
    expect(rules({ excludeInboundPorts: '9090' }).inbound(9090)).toBe(false);
    expect(rules({ includeInboundPorts: '8080' }).inbound(9090)).toBe(false);
    expect(rules({ includeInboundPorts: '' }).inbound(8080)).toBe(false);
  });
});
