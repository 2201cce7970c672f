import type { CompressorConfig } from '../../config/filters/compressor.ts';
import type { Exchange } from '../exchange.ts';

/** What the compressors of a chain make of Accept-Encoding together. */
interface EncodingChoice {
  /** Absent: the body goes as it is. */
  readonly encoding?: string;
  readonly because: 'named' | 'wildcard' | 'identity' | 'invalid';
}

interface Seen {
  readonly own: CompressorConfig;
  /** The route's, where it has one. */
  readonly config: CompressorConfig;
  readonly accept: string | undefined;
}

/** The compressors that a request has passed, with what each found in Accept-Encoding, and their choice once it is made. */
interface Chain {
  readonly seen: Seen[];
  choice: EncodingChoice | undefined;
}

const chains = new WeakMap<Exchange, Chain>();

/** One more compressor sees the request; `accept` is what is asked by then. */
export function seeRequest(exchange: Exchange, compressor: Seen): void {
  const chain = chains.get(exchange);
  if (chain === undefined) chains.set(exchange, { seen: [compressor], choice: undefined });
  else chain.seen.push(compressor);
}

/**
 * Whether this compressor is the one that the client prefers, and the figure that it counts. The first that is asked decides for all of them.
 * Source: CompressorFilter::isAcceptEncodingAllowed in Envoy.
 */
export function isChosen(
  exchange: Exchange,
  { own, config }: Omit<Seen, 'accept'>,
  type: string | undefined,
): { readonly chosen: boolean; readonly figure: string } {
  const chain = chains.get(exchange);
  const accept = chain?.seen.find((one) => one.own === own)?.accept;
  if (chain === undefined || accept === undefined) return { chosen: false, figure: 'no_accept_header' };
  chain.choice ??= choose(
    accept,
    chain.seen.map((one) => one.config).filter((one) => isTypeAllowed(one, type)),
  );
  const { encoding, because } = chain.choice;
  const chosen = encoding === config.encoding;
  return { chosen, figure: because === 'named' && !chosen ? 'header_compressor_overshadowed' : FIGURES[because] };
}

const FIGURES: Readonly<Record<EncodingChoice['because'], string>> = {
  named: 'header_compressor_used',
  wildcard: 'header_wildcard',
  identity: 'header_identity',
  invalid: 'header_not_valid',
};

/** Answers of no type are taken. */
export const isTypeAllowed = ({ types }: Pick<CompressorConfig, 'types'>, type: string | undefined): boolean =>
  type === undefined || types.has((type.split(';')[0] ?? '').trim().toLowerCase());

interface Offer {
  readonly name: string;
  readonly quality: number;
}

/** As they are written, capitals are other encodings. Of those that a client likes alike, the first; or one that is told to come first. */
function choose(accept: string, compressors: readonly CompressorConfig[]): EncodingChoice {
  const offers = accept
    .split(',')
    .filter((offer) => offer !== '')
    .flatMap(readOffer);
  const refused = new Set(offers.filter(({ quality }) => quality === 0).map(({ name }) => name));
  const served = compressors.filter(({ encoding }) => !refused.has(encoding));
  const [first] = served;
  if (first === undefined) return { because: 'invalid' };
  let best: Offer = { name: 'identity', quality: 0 };
  for (const offer of offers) {
    const own = served.find(({ encoding }) => encoding === offer.name);
    if (own === undefined && offer.name !== 'identity' && offer.name !== '*') continue;
    if (offer.quality > best.quality || (offer.quality === best.quality && own?.first === true)) best = offer;
  }
  if (best.quality === 0) return { because: 'invalid' };
  if (best.name === 'identity') return { because: 'identity' };
  return best.name === '*'
    ? { encoding: first.encoding, because: 'wildcard' }
    : { encoding: best.name, because: 'named' };
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** Nothing, where its quality is no number. Only the first parameter is read. */
function readOffer(text: string): Offer[] {
  const [name = '', ...rest] = text.split(';');
  const parameter = rest.join(';');
  const equals = parameter.indexOf('=');
  if (equals < 0 || parameter.slice(0, equals).trim().toLowerCase() !== 'q') return [{ name: name.trim(), quality: 1 }];
  const value = parameter.slice(equals + 1).trim();
  return NUMBER.test(value) ? [{ name: name.trim(), quality: Number(value) }] : [];
}
