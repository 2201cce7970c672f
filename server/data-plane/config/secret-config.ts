import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { errorMessage } from '#domain';
import type { ServedSecret } from '../agent/secret-store.ts';
import { ConfigProblem } from './problem.ts';

interface DataSource {
  readonly inline_bytes?: string;
  readonly inline_string?: string;
}

interface SecretShape {
  readonly tls_certificate?: { readonly certificate_chain?: DataSource; readonly private_key?: DataSource };
  readonly validation_context?: { readonly trusted_ca?: DataSource; readonly crl?: DataSource };
}

/** Reads an SDS secret. Throws ConfigProblem for a certificate or key that cannot be used, so that the last good one serves on. */
export function compileSecret(resource: object): ServedSecret {
  const { tls_certificate: pair, validation_context: roots } = resource as SecretShape;
  if (pair !== undefined) {
    const chainPem = text(pair.certificate_chain, 'tls_certificate.certificate_chain');
    const keyPem = text(pair.private_key, 'tls_certificate.private_key');
    const leaf = readable('tls_certificate.certificate_chain', () => new X509Certificate(chainPem));
    const key = readable('tls_certificate.private_key', () => createPrivateKey(keyPem));
    if (!leaf.checkPrivateKey(key)) {
      throw new ConfigProblem('tls_certificate.private_key', 'the key does not belong to the certificate');
    }
    return { chainPem, keyPem };
  }
  if (roots !== undefined) {
    const rootsPem = text(roots.trusted_ca, 'validation_context.trusted_ca');
    readable('validation_context.trusted_ca', () => new X509Certificate(rootsPem));
    if (roots.crl === undefined) return { rootsPem };
    const crlPem = text(roots.crl, 'validation_context.crl');
    readable('validation_context.crl', () => createSecureContext({ ca: rootsPem, crl: crlPem }));
    return { rootsPem, crlPem };
  }
  throw new ConfigProblem('type', 'only tls_certificate and validation_context are supported');
}

function text(source: DataSource | undefined, field: string): string {
  if (source?.inline_string !== undefined) return source.inline_string;
  if (source?.inline_bytes !== undefined) return Buffer.from(source.inline_bytes, 'base64').toString('utf8');
  throw new ConfigProblem(field, 'only inline bytes and strings are supported');
}

function readable<Value>(field: string, read: () => Value): Value {
  try {
    return read();
  } catch (cause) {
    throw new ConfigProblem(field, `cannot be read: ${errorMessage(cause)}`);
  }
}
