import type { JwtProvider } from '../../../config/jwt-config.ts';
import { valueAt } from '../../../config/metadata-match.ts';
import type { Headers } from '../../headers.ts';
import type { Token } from './token.ts';

/** Takes away what only a verified token may put there. */
export function sanitizeClaims(headers: Headers, providers: readonly JwtProvider[]): void {
  for (const { payloadHeader, claimHeaders } of providers) {
    if (payloadHeader !== '') headers.remove(payloadHeader);
    for (const { header } of claimHeaders) headers.remove(header);
  }
}

/** Writes the payload and single claims of a verified token into request headers. Returns whether there were such claims. */
export function writeClaims(headers: Headers, provider: JwtProvider, token: Token): boolean {
  const { claimHeaders, padPayloadHeader, payloadHeader } = provider;
  let written = false;
  for (const { header, claim } of claimHeaders) {
    const value = claimText(claimAt(token.payload, claim));
    if (value === undefined) continue;
    headers.add(header, value);
    written = true;
  }
  if (payloadHeader === '') return written;
  const { encodedPayload } = token;
  const padding = padPayloadHeader ? '='.repeat((4 - (encodedPayload.length % 4)) % 4) : '';
  headers.add(payloadHeader, encodedPayload + padding);
  return written;
}

/** `a.b` is claim `b` inside claim `a`: a claim that has a dot in its name has no header. */
const claimAt = (payload: Readonly<Record<string, unknown>>, claim: string): unknown =>
  valueAt(payload, claim.split('.'));

/** Lists and objects go as base64 of their JSON. */
function claimText(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value;
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : value.toFixed(6);
  if (typeof value === 'boolean') return String(value);
  if (value === undefined || value === null) return undefined;
  return Buffer.from(JSON.stringify(value)).toString('base64');
}

/** The payload as it stands in dynamic metadata: claims that hold several words become lists. */
export function metadataPayload({ spaceDelimitedClaims }: JwtProvider, { payload }: Token): Record<string, unknown> {
  const normalized: Record<string, unknown> = { ...payload };
  for (const claim of spaceDelimitedClaims) {
    const value = Object.hasOwn(payload, claim) ? payload[claim] : undefined;
    if (typeof value === 'string') normalized[claim] = value.split(' ').filter((word) => word !== '');
  }
  return normalized;
}
