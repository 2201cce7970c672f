import { isIP } from 'node:net';
import type { Any, HttpConnectionManager } from '#xds';
import type { Headers } from '../http/headers.ts';
import { type CidrRange, compileRange } from './cidr.ts';
import { errorStatus } from './http-status.ts';
import { ConfigProblem } from './problem.ts';
import { readNumber } from './values.ts';

/** What headers tell of the client behind the peer. */
export interface DetectedClient {
  /** Undefined: nothing that could be read. */
  readonly address: string | undefined;
  /** The address may make the request an internal one. */
  readonly trusted: boolean;
}

export interface ClientDetector {
  readonly detect: (headers: Headers, peer: string) => DetectedClient;
  /** The peer is written behind what X-Forwarded-For says. */
  readonly appendsPeer: boolean;
  /** Answered where nothing is detected. */
  readonly rejectStatus: number | undefined;
}

/** How a connection manager finds out who its clients are, where it does more than `use_remote_address` and X-Forwarded-For ask for. */
export interface ClientOrigin {
  readonly detectors: readonly ClientDetector[];
  readonly isInternal: (address: string) => boolean;
  /** At the edge, X-Forwarded-For stays as it is. */
  readonly keepsForwardedFor: boolean;
}

interface Fields {
  readonly use_remote_address?: boolean;
  readonly skip_xff_append?: boolean;
  readonly xff_num_trusted_hops?: number;
  readonly internal_address_config?: { readonly cidr_ranges?: readonly CidrRange[] };
  readonly original_ip_detection_extensions?: readonly { readonly name?: string; readonly typed_config?: Any }[];
}

/** Undefined: there is nothing of the kind. Source: ConnectionManagerUtility::mutateRequestHeaders in Envoy. */
export function readClientOrigin(config: HttpConnectionManager): ClientOrigin | undefined {
  const fields: Fields = config as object;
  const { original_ip_detection_extensions: extensions = [], internal_address_config: internal } = fields;
  const keepsForwardedFor = fields.skip_xff_append === true;
  if (extensions.length === 0 && internal === undefined && !keepsForwardedFor) return undefined;
  if (extensions.length > 0 && (fields.use_remote_address === true || readNumber(fields.xff_num_trusted_hops, 0) > 0)) {
    const other = fields.use_remote_address === true ? 'use_remote_address' : 'xff_num_trusted_hops';
    throw new ConfigProblem(
      'original_ip_detection_extensions',
      `Original IP detection extensions and ${other} may not be mixed`,
    );
  }
  const ranges = (internal?.cidr_ranges ?? []).map((range, i) =>
    compileRange(range, `internal_address_config.cidr_ranges[${i}]`),
  );
  return {
    detectors:
      extensions.length > 0
        ? extensions.map(({ typed_config }, i) => readDetector(typed_config, `original_ip_detection_extensions[${i}]`))
        : [readForwardedFor(readNumber(fields.xff_num_trusted_hops, 0), false)],
    isInternal: (address) => ranges.some((range) => range.contains(address)),
    keepsForwardedFor,
  };
}

const TYPE = 'type.googleapis.com/envoy.extensions.http.original_ip_detection.';

function readDetector(config: Any | undefined, field: string): ClientDetector {
  switch (config?.['@type']) {
    case `${TYPE}xff.v3.XffConfig`: {
      const { xff_trusted_cidrs: trusted, skip_xff_append: skips } = config as {
        xff_trusted_cidrs?: { readonly cidrs?: readonly CidrRange[] };
        skip_xff_append?: boolean;
      };
      const hops = readNumber(config['xff_num_trusted_hops'], 0);
      if (trusted === undefined) return readForwardedFor(hops, skips === false);
      if (hops > 0) throw new ConfigProblem(field, 'Cannot set both xff_num_trusted_hops and xff_trusted_cidrs');
      return readUntrusted(trusted.cidrs ?? [], skips === false, field);
    }
    case `${TYPE}custom_header.v3.CustomHeaderConfig`:
      return readCustomHeader(config as CustomHeaderJson);
    default:
      throw new ConfigProblem(field, `${config?.['@type'] ?? 'an extension without configuration'} is not supported`);
  }
}

const entriesOf = (headers: Headers): string[] =>
  (headers.joined('x-forwarded-for') ?? '').split(',').map((entry) => entry.trim());

const readable = (text: string | undefined): string | undefined =>
  text === undefined || isIP(text) === 0 ? undefined : text;

/** The entry that stands so many hops before the last. */
const readForwardedFor = (hops: number, appendsPeer: boolean): ClientDetector => ({
  detect: (headers) => {
    const entries = entriesOf(headers);
    return { address: readable(entries.at(-1 - hops)), trusted: entries.length === 1 };
  },
  appendsPeer,
  rejectStatus: undefined,
});

/** The last entry that no trusted proxy has written. */
function readUntrusted(cidrs: readonly CidrRange[], appendsPeer: boolean, field: string): ClientDetector {
  const ranges = cidrs.map((range, i) => compileRange(range, `${field}.xff_trusted_cidrs.cidrs[${i}]`));
  const trusts = (address: string): boolean => ranges.some((range) => range.contains(address));
  return {
    detect: (headers, peer) => {
      if (!trusts(peer)) return { address: peer, trusted: false };
      let last: string | undefined;
      for (const entry of entriesOf(headers).reverse()) {
        const address = readable(entry);
        if (address === undefined) break;
        last = address;
        if (!trusts(address)) break;
      }
      return { address: last, trusted: false };
    },
    appendsPeer,
    rejectStatus: undefined,
  };
}

interface CustomHeaderJson {
  readonly header_name?: string;
  readonly allow_extension_to_set_address_as_trusted?: boolean;
  readonly reject_with_status?: { readonly code?: string | number };
}

function readCustomHeader(config: CustomHeaderJson): ClientDetector {
  const name = (config.header_name ?? '').toLowerCase();
  if (name === '') throw new ConfigProblem('header_name', 'value length must be at least 1 characters');
  const trusted = config.allow_extension_to_set_address_as_trusted === true;
  return {
    detect: (headers) => ({ address: readable(headers.get(name)), trusted }),
    appendsPeer: false,
    // As in Envoy, what is no error is 403.
    rejectStatus: config.reject_with_status && errorStatus(config.reject_with_status, 'reject_with_status', 403),
  };
}
