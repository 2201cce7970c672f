import type { HttpServing } from '../config/http-serving.ts';
import type { Exchange, RequestLayer } from './exchange.ts';

/** Headers with underscores in their names, which some programs read as hyphens: taken out, or the reason to refuse the request. */
export function judgeUnderscores({ underscores }: HttpServing): readonly RequestLayer[] {
  if (underscores === 'ALLOW') return [];
  return [underscores === 'DROP_HEADER' ? drop : reject];
}

const drop: RequestLayer = (exchange) => {
  for (const name of named(exchange)) {
    exchange.head.headers.remove(name);
    count(exchange, 'dropped_headers_with_underscores');
  }
  return 'next';
};

const reject: RequestLayer = (exchange) => {
  if (named(exchange).length === 0) return 'next';
  count(exchange, 'requests_rejected_with_underscores_in_headers');
  if (exchange.head.protocol !== 'HTTP/2') {
    exchange.reply({ status: 400, flag: 'DPE', details: 'http1.unexpected_underscore', body: 'Bad Request' });
    return 'wait';
  }
  exchange.info.flag('DR');
  exchange.info.details = 'http2.unexpected_underscore';
  exchange.breakOff('protocol_error');
  return 'wait';
};

const named = ({ head }: Exchange): string[] =>
  head.headers.entries().flatMap(([name]) => (name.includes('_') ? [name] : []));

function count({ head, runtime }: Exchange, figure: string): void {
  runtime.stats.stat(`${head.protocol === 'HTTP/2' ? 'http2' : 'http1'}.${figure}`).value++;
}
