import {
  type AnswerElsewhere,
  type CustomResponse,
  type OwnAnswer,
  readCustomResponse,
} from '../../config/filters/custom-response.ts';
import type { ElsewhereTarget } from '../../config/filters/elsewhere-target.ts';
import { formattedBody } from '../../config/local-reply-config.ts';
import type { ReplacedAnswer } from '../answer-filters.ts';
import { applyRule } from '../apply-rules.ts';
import type { RequestHead, ResponseHead } from '../codec.ts';
import type { Exchange } from '../exchange.ts';
import { reroute } from '../router/internal-redirect.ts';
import type { FilterParts } from './filter-parts.ts';
import { perRoute } from './per-route.ts';

/** Envoy's custom_response filter: answers of some kind are replaced. A route's own list is asked first. */
export function customResponse(name: string, own: CustomResponse): FilterParts {
  const ofRoute = perRoute<CustomResponse>(
    { name, type: 'custom_response.v3.CustomResponse' },
    own,
    readCustomResponse,
  );
  return {
    ...(own.goesElsewhere && { figures: { custom_response_: ['invalid_uri', 'redirect_no_route'] } }),
    encode(exchange, head) {
      const followed = FOLLOWED.get(exchange.head);
      if (followed !== undefined) {
        tellElsewhere(exchange, head, followed);
        return undefined;
      }
      const given = ofRoute(exchange).choose(head) ?? own.choose(head);
      if (given === undefined || exchange.answerFilters === undefined) return undefined;
      if (given.kind === 'elsewhere') {
        goElsewhere(exchange, head, { given, name });
        return undefined;
      }
      exchange.info.status = head.status;
      exchange.answerFilters.instead = replacement(exchange, head, given);
      const { status } = head;
      exchange.steps.add('http_filter', 'applied', name, () => ({
        detail: `an answer ${status} is replaced by one of this proxy: ${given.status ?? status}`,
      }));
      return undefined;
    },
  };
}

/** Requests whose answer is that of another route, by what their client has sent: that stays the same when a request goes on. */
const FOLLOWED = new WeakMap<RequestHead, AnswerElsewhere>();

/** The answer of the other route has come, whatever it is. */
function tellElsewhere(exchange: Exchange, head: ResponseHead, { headers, status }: AnswerElsewhere): void {
  exchange.info.status = head.status;
  for (const rule of headers) applyRule(rule, exchange, head.headers);
  if (status !== undefined) head.status = status;
}

/** Has the request answered by another route. Where none matches, the answer stays. Source: redirect_policy.cc in Envoy. */
function goElsewhere(
  exchange: Exchange,
  answer: ResponseHead,
  { given, name }: { readonly given: AnswerElsewhere; readonly name: string },
): void {
  const { head } = exchange;
  // The request goes on as a whole, or not at all.
  if (!exchange.requestEnded || exchange.answerFilters === undefined) return;
  const before = { scheme: head.scheme, authority: head.authority, path: head.path };
  exchange.info.status = answer.status;
  Object.assign(head, placed(head, given.target));
  for (const rule of given.requestHeaders) applyRule(rule, exchange, head.headers);
  if (!reroute(exchange)) {
    Object.assign(head, before);
    exchange.stats.count('custom_response_redirect_no_route');
    return;
  }
  exchange.steps.add('http_filter', 'applied', name, () => ({
    detail: `an answer ${answer.status} is replaced by that of ${head.authority}${head.path}`,
  }));
  head.method = 'GET';
  head.headers.remove('content-length');
  FOLLOWED.set(head, given);
  exchange.answerFilters.leaves = true;
}

function placed(
  head: RequestHead,
  { authority: host = head.authority, path, port, scheme = head.scheme, stripsQuery }: ElsewhereTarget,
): Pick<RequestHead, 'scheme' | 'authority' | 'path'> {
  const mark = head.path.indexOf('?');
  const query = mark < 0 || stripsQuery || path?.includes('?') === true ? '' : head.path.slice(mark);
  const authority = port === undefined ? host : `${host.replace(/:\d+$/, '')}:${port}`;
  return { scheme, authority, path: (path ?? (mark < 0 ? head.path : head.path.slice(0, mark))) + query };
}

function replacement(
  exchange: Exchange,
  head: ResponseHead,
  { body, format, headers, status }: OwnAnswer,
): ReplacedAnswer {
  // As in Envoy, a format without a body of its own finds that of the answer, if it was this proxy's.
  const made = format === undefined ? body : formattedBody(exchange, format, body ?? exchange.localBody);
  return {
    reply: { status: status ?? head.status, details: '', ...(made !== undefined && { body: made }) },
    edit: (answer) => {
      for (const rule of headers) applyRule(rule, exchange, answer.headers);
    },
  };
}
