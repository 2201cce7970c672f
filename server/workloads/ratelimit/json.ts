import type { IncomingMessage } from 'node:http';
import { type Answer, json, readBody, text } from '../respond.ts';
import { type Fields, isFields } from './fields.ts';
import type { Entry, Unit } from './limits.ts';
import { type AskedDescriptor, type RateLimitRequest, type RateLimitResponse, UNIT_NUMBERS } from './messages.ts';

type Ask = (request: RateLimitRequest) => { readonly response: RateLimitResponse } | { readonly refusal: string };

/** Answers the same over HTTP: messages are protobuf JSON, and the status tells what becomes of the request. */
export async function answerJson(request: IncomingMessage, ask: Ask): Promise<Answer> {
  const asked = readJson(await readBody(request));
  const answer = asked === undefined ? { refusal: 'no request' } : ask(asked);
  if ('refusal' in answer) return text(400, 'Bad Request');
  return json(answer.response.over ? 429 : 200, toJson(answer.response));
}

/** Undefined: it is no RateLimitRequest. */
function readJson(text: string): RateLimitRequest | undefined {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    // Whatever it is, it is no JSON.
    return undefined;
  }
  if (!isFields(given)) return undefined;
  const toldHits = Number(field(given, 'hits_addend') ?? 0);
  return {
    domain: String(given['domain'] ?? ''),
    descriptors: listOf(given['descriptors']).map(readDescriptor),
    hits: Math.max(1, toldHits),
    toldHits,
  };
}

function readDescriptor(given: Fields): AskedDescriptor {
  const hits = field(given, 'hits_addend');
  const limit = given['limit'];
  return {
    entries: listOf(given['entries']).map(
      ({ key, value }): Entry => ({ key: String(key ?? ''), value: String(value ?? '') }),
    ),
    hits: hits === undefined ? undefined : Number(hits),
    limit: isFields(limit) ? readLimit(limit) : undefined,
  };
}

function readLimit(given: Fields): AskedDescriptor['limit'] {
  const unit = String(given['unit'] ?? '').toLowerCase();
  if (!Object.hasOwn(UNIT_NUMBERS, unit)) return undefined;
  return { unit: unit as Unit, requestsPerUnit: Number(field(given, 'requests_per_unit') ?? 0) };
}

const listOf = (value: unknown): Fields[] => (Array.isArray(value) ? value.filter(isFields) : []);

/** Protobuf JSON knows a field by two names. */
const field = (given: Fields, name: string): unknown =>
  given[name] ?? given[name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())];

const codeOf = (over: boolean): string => (over ? 'OVER_LIMIT' : 'OK');

const toJson = ({ over, statuses, headers, metadata }: RateLimitResponse): object => ({
  overallCode: codeOf(over),
  statuses: statuses.map(({ over: own, limit, remaining = 0, resetSeconds = 0 }) => ({
    code: codeOf(own),
    ...(limit !== undefined && {
      currentLimit: {
        ...(limit.requestsPerUnit > 0 && { requestsPerUnit: limit.requestsPerUnit }),
        unit: limit.unit.toUpperCase(),
        ...(limit.name !== '' && { name: limit.name }),
      },
    }),
    ...(remaining > 0 && { limitRemaining: remaining }),
    ...(resetSeconds > 0 && { durationUntilReset: `${resetSeconds}s` }),
  })),
  ...(headers.length > 0 && { responseHeadersToAdd: headers.map(([key, value]) => ({ key, value })) }),
  ...(metadata !== undefined && { dynamicMetadata: metadata }),
});
