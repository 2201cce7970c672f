import type { ReplacedAnswer } from './answer-filters.ts';
import type { Exchange } from './exchange.ts';
import { buildReply } from './local-reply.ts';

/** Answers in the place of whoever has begun to: nobody waits for the rest of that. Source: sendDirectLocalReply in Envoy. */
export function replaceAnswer(exchange: Exchange, { edit, reply: given }: ReplacedAnswer): void {
  const { config } = exchange;
  exchange.info.details = given.details;
  exchange.info.replaced = true;
  const reply = config.localReply === undefined ? given : config.localReply(given, exchange);
  const { head, body, seal } = buildReply(exchange, reply);
  // Formats find nothing more of the other answer.
  exchange.responseHead = head;
  // Redirects and direct responses write theirs themselves: what takes their place has none.
  if (exchange.route?.target.kind === 'forward') exchange.answerRules?.(head, exchange);
  edit(head);
  seal(head);
  exchange.underWay?.cancel();
  exchange.passHead(head, body === undefined);
  if (body === undefined) return;
  exchange.passData(body);
  exchange.passEnd(undefined);
}
