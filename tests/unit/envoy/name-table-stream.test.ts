import { describe, expect, it } from 'vitest';
import {
  deltaDiscoveryRequest,
  deltaDiscoveryResponse,
  discoveryRequest,
  discoveryResponse,
  encodeResource,
  type NameTable,
  typeUrls,
} from '#xds';
import { nameTableStream } from '../../../server/envoy/name-table-stream.ts';

const TABLE: NameTable = { table: { 'shop.internal': { ips: ['240.240.0.1'], registry: 'External' } } };
const resource = { typeUrl: typeUrls.nameTable, value: encodeResource(typeUrls.nameTable, TABLE).bytes };
const taken: NameTable[] = [];
const { delta, sotw } = nameTableStream((table) => taken.push(table));

describe('on the stream of its Envoy an agent', () => {
  it('asks for the table of names, takes it and acknowledges it, in delta', () => {
    expect(deltaDiscoveryRequest.read(delta.first())).toMatchObject({
      typeUrl: typeUrls.nameTable,
      resourceNamesSubscribe: [],
      responseNonce: '',
    });
    const response = { typeUrl: typeUrls.nameTable, nonce: 'n1', resources: [{ name: '', version: '1', resource }] };
    const ack = delta.answer(deltaDiscoveryResponse.write(response));
    expect(deltaDiscoveryRequest.read(ack!)).toMatchObject({ typeUrl: typeUrls.nameTable, responseNonce: 'n1' });
    expect(taken.pop()?.table).toMatchObject(TABLE.table);
  });

  it('does so in the state of the world, too', () => {
    expect(discoveryRequest.read(sotw.first())).toMatchObject({ typeUrl: typeUrls.nameTable, responseNonce: '' });
    const response = { typeUrl: typeUrls.nameTable, nonce: 'n2', versionInfo: 'v2', resources: [resource] };
    const ack = sotw.answer(discoveryResponse.write(response));
    expect(discoveryRequest.read(ack!)).toMatchObject({ versionInfo: 'v2', responseNonce: 'n2' });
    expect(taken.pop()?.table).toMatchObject(TABLE.table);
  });

  it("leaves Envoy's answers to Envoy", () => {
    const others = { typeUrl: typeUrls.cluster, nonce: 'n3', resources: [] };
    expect(delta.answer(deltaDiscoveryResponse.write(others))).toBeUndefined();
    expect(sotw.answer(discoveryResponse.write(others))).toBeUndefined();
    expect(taken).toEqual([]);
  });
});
