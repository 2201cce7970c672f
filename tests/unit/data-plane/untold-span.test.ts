import { describe, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import type { TracedRequest } from '../../../server/data-plane/http/traced-request.ts';
import { untoldSpan } from '../../../server/data-plane/http/untold-span.ts';

const ID = 'f47ac10b-58cc-4372-a567-0e02b2c3d479';
const [GATEWAY, SHOP, STOCK] = ['10.0.0.1', '10.0.0.2', '10.0.0.3'];

interface Seen {
  readonly ip: string;
  readonly direction: 'inbound' | 'outbound';
  readonly from?: string;
  readonly requestId?: string;
  readonly untold?: 'begins' | 'goes on';
}

/** The span that a proxy finds for a request that it sees so. */
function spanOf({ ip, direction, from = '192.0.2.1', requestId = ID, untold = 'goes on' }: Seen) {
  const runtime = { self: { ip }, chance: { ids: seededRandom('ids') } };
  const connection = { direction, remoteAddress: { ip: from } };
  return untoldSpan({ runtime, connection, requestId, untold } as unknown as TracedRequest);
}

describe('the span of a request whose trace no header tells', () => {
  it('has the ids by which all proxies on the way of a request join it', () => {
    const edge = spanOf({ ip: GATEWAY, direction: 'outbound', untold: 'begins' });
    const arrived = spanOf({ ip: SHOP, direction: 'inbound', from: GATEWAY });
    const called = spanOf({ ip: SHOP, direction: 'outbound' });
    const last = spanOf({ ip: STOCK, direction: 'inbound', from: SHOP });
    const chain = [edge, arrived, called, last];
    expect(chain.map((span) => span.traceId)).toEqual(Array(4).fill('f47ac10b58cc4372a5670e02b2c3d479'));
    expect(chain.map((span) => span.parentSpanId)).toEqual([undefined, edge.spanId, arrived.spanId, called.spanId]);
    for (const { spanId } of chain) expect(spanId).toMatch(/^[0-9a-f]{16}$/);
    expect(new Set(chain.map((span) => span.spanId)).size).toBe(4);
  });

  it('differs from request to request and from pod to pod', () => {
    const seen = new Set<string>();
    for (let pod = 1; pod <= 50; pod++)
      for (let request = 0; request < 200; request++) {
        const requestId = ID.slice(0, -3) + request.toString(16).padStart(3, '0');
        for (const direction of ['inbound', 'outbound'] as const)
          seen.add(spanOf({ ip: `10.0.0.${pod}`, direction, requestId }).spanId);
      }
    expect(seen.size).toBe(50 * 200 * 2);
  });

  it('reads capitals as every proxy does, and begins a trace of its own where the id has another form', () => {
    expect(spanOf({ ip: SHOP, direction: 'outbound', requestId: ID.toUpperCase() })).toEqual(
      spanOf({ ip: SHOP, direction: 'outbound' }),
    );
    for (const requestId of ['', 'order-7', ID.replace('4', 'g'), ID.replaceAll('-', '0'), `\u{1f600}${ID.slice(2)}`]) {
      const { traceId } = spanOf({ ip: SHOP, direction: 'outbound', requestId });
      expect(traceId).toMatch(/^[0-9a-f]{32}$/);
      expect(traceId).not.toContain(ID.slice(24));
    }
  });
});
