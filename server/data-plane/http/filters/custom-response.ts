import { type CustomAnswer, type CustomResponse, readCustomResponse } from '../../config/filters/custom-response.ts';
import { formattedBody } from '../../config/local-reply-config.ts';
import type { ReplacedAnswer } from '../answer-filters.ts';
import { applyRule } from '../apply-rules.ts';
import type { ResponseHead } from '../codec.ts';
import type { Exchange } from '../exchange.ts';
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
    encode(exchange, head) {
      const given = ofRoute(exchange)(head) ?? own(head);
      if (given === undefined || exchange.answerFilters === undefined) return undefined;
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

function replacement(
  exchange: Exchange,
  head: ResponseHead,
  { body, format, headers, status }: CustomAnswer,
): ReplacedAnswer {
  const made = format === undefined ? body : formattedBody(exchange, format, body);
  return {
    reply: { status: status ?? head.status, details: '', ...(made !== undefined && { body: made }) },
    edit: (answer) => {
      for (const rule of headers) applyRule(rule, exchange, answer.headers);
    },
  };
}
