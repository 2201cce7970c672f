import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
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

  const asRead = ({ $typeName: _, $unknown: __, ...message }: Record<string, unknown>): Record<string, unknown> =>
    message;

  it.each([
    { typeUrl: 'a', nonce: 'n1', systemVersionInfo: '7' },
    { typeUrl: 'a', resources: [{ name: 'x', version: '1', resource: any(300) }, { name: 'y' }] },
    { typeUrl: 'a', resources: [{ name: 'größe', version: '1', resource: any(3) }], removedResources: ['z', ''] },
    { typeUrl: 'a', resources: [{ name: 'x', aliases: ['b'], version: '1', resource: { typeUrl: 't' } }] },
    { typeUrl: 'a', controlPlane: { identifier: 'istiod' }, removedResources: ['é'] },
    {},
  ])('reads a response as protobuf does: %o', (response) => {
    const bytes = byProtobuf('DeltaDiscoveryResponse', response);
    const read = fromBinary(messageType('envoy.service.discovery.v3.DeltaDiscoveryResponse'), bytes);
    for (const each of [bytes, new Uint8Array(bytes)]) {
      const { resources, ...facts } = deltaDiscoveryResponse.read(each);
      const { resources: own, ...others } = read as unknown as typeof facts & { resources: typeof resources };
      expect(asRead(others)).toMatchObject(asRead({ ...facts }));
      expect(resources.map(({ name, version }) => [name, version])).toEqual(own.map((it) => [it.name, it.version]));
      expect(resources.map(({ resource }) => resource?.typeUrl)).toEqual(own.map(({ resource }) => resource?.typeUrl));
      expect(resources.map(({ resource }) => resource && Buffer.from(resource.value))).toEqual(
        own.map(({ resource }) => resource && Buffer.from(resource.value)),
      );
    }
  });

  it.each([
    { typeUrl: 'a', responseNonce: 'n1' },
    { typeUrl: 'a', resourceNamesSubscribe: ['x', 'ü', ''], resourceNamesUnsubscribe: ['z'] },
    { typeUrl: 'a', responseNonce: 'n1', errorDetail: { code: 3, message: 'no' } },
    { typeUrl: 'a', initialResourceVersions: { x: '1' }, node: { id: 'n', cluster: 'c' } },
    {},
  ])('reads a request as protobuf does: %o', (request) => {
    const bytes = byProtobuf('DeltaDiscoveryRequest', request);
    const read = fromBinary(messageType('envoy.service.discovery.v3.DeltaDiscoveryRequest'), bytes);
    expect(read).toMatchObject(asRead({ ...deltaDiscoveryRequest.read(bytes) }));
  });

  it('reads bytes cut at any place, or changed at any, as protobuf does, or refuses them as it does', () => {
    const whole = byProtobuf('DeltaDiscoveryResponse', {
      typeUrl: 'a',
      nonce: 'n1',
      resources: [{ name: 'x', version: '1', resource: any(4) }],
      removedResources: ['y'],
    });
    const type = messageType('envoy.service.discovery.v3.DeltaDiscoveryResponse');
    const outcome = (read: () => unknown): string => {
      try {
        const { resources, removedResources, nonce, typeUrl, systemVersionInfo } = read() as ReturnType<
          typeof deltaDiscoveryResponse.read
        >;
        const told = resources.map(({ name, version, resource }) => [
          name,
          version,
          resource?.typeUrl,
          resource && Buffer.from(resource.value).toString('hex'),
        ]);
        return JSON.stringify([told, removedResources, nonce, typeUrl, systemVersionInfo]);
      } catch {
        return 'refused';
      }
    };
    for (let at = 0; at < whole.length; at++) {
      const changed = [0, 1, 0x12, 0x7f, 0x80, 0xff].map((byte) => {
        const bytes = Buffer.from(whole);
        bytes[at] = byte;
        return bytes;
      });
      for (const bytes of [whole.subarray(0, at), ...changed]) {
        expect(outcome(() => deltaDiscoveryResponse.read(bytes))).toBe(outcome(() => fromBinary(type, bytes)));
      }
    }
  });
});
