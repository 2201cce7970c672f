import type { handleUnaryCall, ServiceError, UntypedHandleCall } from '@grpc/grpc-js';
import { Client, credentials, Metadata, type Server, type ServiceDefinition, status } from '@grpc/grpc-js';
import { errorMessage, MeshworkError } from '#domain';
import { splitPem } from './der.ts';
import type { CertificateAuthority, CertificateClient } from './doors.ts';
import { SigningRefused } from './refused.ts';
import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  type IstioCertificateRequest,
  type IstioCertificateResponse,
} from './wire.ts';

const PATH = '/istio.v1.auth.IstioCertificateService/CreateCertificate';
const BEARER = 'Bearer ';
/** In a lab a stopped istiod is soon back: agents try again within two seconds. */
const RECONNECT = { 'grpc.initial_reconnect_backoff_ms': 500, 'grpc.max_reconnect_backoff_ms': 2000 };

const definition = {
  CreateCertificate: {
    path: PATH,
    requestStream: false,
    responseStream: false,
    requestSerialize: encodeRequest,
    requestDeserialize: decodeRequest,
    responseSerialize: encodeResponse,
    responseDeserialize: decodeResponse,
  },
} satisfies ServiceDefinition;

/** Adds Istio's `IstioCertificateService` to a gRPC server that the caller owns. */
export function certificateService(authority: Pick<CertificateAuthority, 'sign'>): { register(server: Server): void } {
  const createCertificate: handleUnaryCall<IstioCertificateRequest, IstioCertificateResponse> = (call, callback) => {
    try {
      const { csr, validityDurationSeconds } = call.request;
      const { chainPem, rootsPem } = authority.sign(csr, bearerToken(call.metadata), validityDurationSeconds * 1000);
      // The root is the last element, also where the bundle has several.
      callback(null, { certChain: [...chainPem, rootsPem.join('')] });
    } catch (thrown) {
      callback({ code: codeOf(thrown), details: errorMessage(thrown) });
    }
  };
  return {
    register: (server) => server.addService(definition, { CreateCertificate: createCertificate as UntypedHandleCall }),
  };
}

function bearerToken(metadata: Metadata): string {
  const value = metadata.get('authorization').find((entry) => typeof entry === 'string' && entry.startsWith(BEARER));
  if (typeof value !== 'string') throw new SigningRefused('UNAUTHENTICATED', 'the request carries no bearer token');
  return value.slice(BEARER.length);
}

const codeOf = (thrown: unknown): status =>
  thrown instanceof SigningRefused ? status[thrown.reason] : status.INTERNAL;

/** The agent's client, plaintext to `address` (`ip:port`); connects with the first call. Rejects with MeshworkError MW9102. */
export function createCertificateClient(address: string): CertificateClient {
  const client = new Client(address, credentials.createInsecure(), RECONNECT);
  return {
    sign: (csrPem, token, ttlMs = 0) =>
      new Promise((resolve, reject) => {
        const metadata = new Metadata();
        metadata.set('authorization', BEARER + token);
        const request = { csr: csrPem, validityDurationSeconds: Math.floor(ttlMs / 1000) };
        client.makeUnaryRequest(PATH, encodeRequest, decodeResponse, request, metadata, (error, response) => {
          const root = response?.certChain.at(-1);
          if (error !== null) reject(refusal(error));
          else if (root === undefined) reject(new MeshworkError('MW9102', 'the CA answered without a certificate'));
          else resolve({ chainPem: response?.certChain.slice(0, -1) ?? [], rootsPem: splitPem('CERTIFICATE', root) });
        });
      }),
    close: () => client.close(),
  };
}

const refusal = (error: ServiceError): MeshworkError =>
  new MeshworkError('MW9102', `the CA did not sign: ${status[error.code]}: ${error.details}`, { cause: error });
