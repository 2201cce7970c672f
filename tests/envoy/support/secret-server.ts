import { create, type DescMessage, fromJson, toBinary } from '@bufbuild/protobuf';
import type { Server, ServerDuplexStream } from '@grpc/grpc-js';
import { messageType } from '../../../server/xds/codec/message-types.ts';
import { discoveryRequest, discoveryResponse } from '../../../server/xds/wire/discovery.ts';

const SECRET = 'envoy.extensions.transport_sockets.tls.v3.Secret';
const TYPE_URL = `type.googleapis.com/${SECRET}`;
const PATH = '/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets';

/** A workload's certificate, key and roots, as PEM. */
export interface Svid {
  readonly chainPem: string;
  readonly keyPem: string;
  readonly rootsPem: string;
}

/**
 * Serves secrets as Istio's agent does beside each proxy, state of the world. Names of roots (`ROOTCA`, `…-cacert`, `file-root:…`) get the
 * mesh's roots, all others the workload's own certificate: it stands in for those that a learner would supply.
 */
export function addSecretService(server: Server, { chainPem, keyPem, rootsPem }: Svid): void {
  const certificate = {
    tls_certificate: { certificate_chain: { inline_string: chainPem }, private_key: { inline_string: keyPem } },
  };
  const roots = { validation_context: { trusted_ca: { inline_string: rootsPem } } };
  const secretOf = (name: string): Uint8Array =>
    secret({ name, ...(/^ROOTCA$|-cacert$|^file-root:/.test(name) ? roots : certificate) });
  const asIs = (bytes: Buffer): Buffer => bytes;
  const method = {
    path: PATH,
    requestStream: true,
    responseStream: true,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
  const stream = (call: ServerDuplexStream<Buffer, Buffer>): void => {
    call.on('data', (bytes: Buffer) => {
      const { resourceNames, responseNonce } = discoveryRequest.read(bytes);
      if (responseNonce !== '') return;
      const resources = resourceNames.map((name) => ({ typeUrl: TYPE_URL, value: secretOf(name) }));
      call.write(discoveryResponse.write({ typeUrl: TYPE_URL, versionInfo: '1', nonce: '1', resources }));
    });
    call.on('end', () => call.end());
  };
  server.addService({ stream: method }, { stream });
}

function secret(json: object): Uint8Array {
  const type: DescMessage = messageType(SECRET);
  return toBinary(type, create(type, fromJson(type, json as Parameters<typeof fromJson>[1])));
}
