import { create, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { messageType } from '../../../server/xds/codec/message-types.ts';
import {
  deltaDiscoveryRequest,
  deltaDiscoveryResponse,
  discoveryResponse,
} from '../../../server/xds/wire/discovery.ts';

const byProtobuf = (name: string, message: Record<string, unknown>): Buffer => {
  const type = messageType(`envoy.service.discovery.v3.${name}`);
  return Buffer.from(toBinary(type, create(type, message)));
};

const any = (length: number) => ({ typeUrl: 'type.googleapis.com/a.B', value: new Uint8Array(length).fill(7) });

describe('messages of the discovery service', () => {
  it.each([0, 1, 127, 128, 16_383, 16_384, 70_000])(
    'has the bytes that protobuf writes, with a resource of %i',
    (length) => {
      const delta = {
        systemVersionInfo: '2026-01-01T00:00:00.000Z/7',
        typeUrl: 'type.googleapis.com/a.B',
        nonce: 'n1',
        resources: [
          { name: 'größe', version: '1', resource: any(length) },
          { name: 'gone', version: '' },
        ],
        removedResources: ['a', ''],
      };
      expect(deltaDiscoveryResponse.write(delta)).toEqual(byProtobuf('DeltaDiscoveryResponse', delta));
      const whole = { versionInfo: '1', typeUrl: 'b', nonce: 'n2', resources: [any(length), any(3)] };
      expect(discoveryResponse.write(whole)).toEqual(byProtobuf('DiscoveryResponse', whole));
    },
  );

  it.each([
    { typeUrl: 'a', responseNonce: 'n1' },
    { typeUrl: 'a', resourceNamesSubscribe: ['x', 'y', ''], resourceNamesUnsubscribe: ['z'] },
    { typeUrl: 'a', responseNonce: 'n1', errorDetail: { code: 3, message: 'no' } },
    { typeUrl: 'a', initialResourceVersions: { x: '1' }, node: { id: 'n', cluster: 'c' } },
    {},
  ])('writes a request as protobuf does: %o', (request) => {
    expect(deltaDiscoveryRequest.write(request)).toEqual(byProtobuf('DeltaDiscoveryRequest', request));
  });
});
