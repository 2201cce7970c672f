import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/**
 * istio/api security/v1alpha1/ca.proto, the two messages of IstioCertificateService. `metadata` (field 4 of the request, a Struct that
 * names a signer) is skipped when read.
 */
export interface IstioCertificateRequest {
  /** Field 1: PEM. */
  readonly csr: string;
  /** Field 3: requested life in seconds, 0 leaves it to the CA. */
  readonly validityDurationSeconds: number;
}

export interface IstioCertificateResponse {
  /** Field 1: PEM, leaf first, root last. */
  readonly certChain: readonly string[];
}

export function encodeRequest({ csr, validityDurationSeconds }: IstioCertificateRequest): Buffer {
  const writer = new BinaryWriter();
  if (csr !== '') writer.tag(1, WireType.LengthDelimited).string(csr);
  if (validityDurationSeconds !== 0) writer.tag(3, WireType.Varint).int64(validityDurationSeconds);
  return Buffer.from(writer.finish());
}

export function decodeRequest(bytes: Uint8Array): IstioCertificateRequest {
  const reader = new BinaryReader(bytes);
  let csr = '';
  let validityDurationSeconds = 0;
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1) csr = reader.string();
    else if (field === 3) validityDurationSeconds = Number(reader.int64());
    else reader.skip(wireType, field);
  }
  return { csr, validityDurationSeconds };
}

export function encodeResponse({ certChain }: IstioCertificateResponse): Buffer {
  const writer = new BinaryWriter();
  for (const pem of certChain) writer.tag(1, WireType.LengthDelimited).string(pem);
  return Buffer.from(writer.finish());
}

export function decodeResponse(bytes: Uint8Array): IstioCertificateResponse {
  const reader = new BinaryReader(bytes);
  const certChain: string[] = [];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1) certChain.push(reader.string());
    else reader.skip(wireType, field);
  }
  return { certChain };
}
