import { describe, expect, it } from 'vitest';
import { type CompressorConfig, readCompressor } from '../../../server/data-plane/config/filters/compressor.ts';
import type { Exchange } from '../../../server/data-plane/http/exchange.ts';
import { isChosen, seeRequest } from '../../../server/data-plane/http/filters/encoding-choice.ts';

const LIBRARIES = { gzip: 'gzip.compressor.v3.Gzip', br: 'brotli.compressor.v3.Brotli' };

const compressor = (encoding: keyof typeof LIBRARIES, more: object = {}): CompressorConfig =>
  readCompressor({
    '@type': 'type.googleapis.com/envoy.extensions.filters.http.compressor.v3.Compressor',
    compressor_library: {
      name: encoding,
      typed_config: { '@type': `type.googleapis.com/envoy.extensions.compression.${LIBRARIES[encoding]}` },
    },
    ...more,
  });

/** What each compressor of a chain decides and counts, in the order in which answers pass them: the last one first. */
function decisions(chain: readonly CompressorConfig[], accept: string | undefined, type?: string): string[] {
  // Only its identity counts.
  const exchange = {} as Exchange;
  for (const own of chain) seeRequest(exchange, { own, config: own, accept });
  return chain
    .toReversed()
    .map((own) => isChosen(exchange, { own, config: own }, type))
    .map(({ chosen, figure }) => `${figure}${chosen ? '!' : ''}`);
}

describe('the encoding of an answer', () => {
  const gzip = compressor('gzip');
  const br = compressor('br');

  it('is the one that the client likes best, whichever compressor is asked first', () => {
    expect(decisions([gzip, br], 'gzip;q=0.5, br')).toEqual([
      'header_compressor_used!',
      'header_compressor_overshadowed',
    ]);
    expect(decisions([br, gzip], 'gzip;q=0.5, br')).toEqual([
      'header_compressor_overshadowed',
      'header_compressor_used!',
    ]);
  });

  it('is the first of those that the client likes alike, or one that is told to come first', () => {
    expect(decisions([gzip, br], 'gzip, br')).toEqual(['header_compressor_overshadowed', 'header_compressor_used!']);
    const first = compressor('br', { choose_first: true });
    expect(decisions([gzip, first], 'gzip, br')).toEqual(['header_compressor_used!', 'header_compressor_overshadowed']);
  });

  it('is that of the first compressor where the client takes any, and does not refuse that one', () => {
    expect(decisions([gzip, br], '*')).toEqual(['header_wildcard', 'header_wildcard!']);
    expect(decisions([gzip, br], 'gzip;q=0, *')).toEqual(['header_wildcard!', 'header_wildcard']);
  });

  it('is none where the client prefers none, and that is no fault of the header', () => {
    expect(decisions([gzip], 'identity')).toEqual(['header_identity']);
    expect(decisions([gzip], 'gzip;q=0.1, identity;q=0.9')).toEqual(['header_identity']);
  });

  it('is none where nothing that is asked for can be served', () => {
    expect(decisions([gzip], 'GZIP')).toEqual(['header_not_valid']);
    expect(decisions([gzip], 'gzip;q=0')).toEqual(['header_not_valid']);
    expect(decisions([gzip], 'gzip;q=x')).toEqual(['header_not_valid']);
    expect(decisions([gzip], undefined)).toEqual(['no_accept_header']);
  });

  it('reads only the first parameter of an encoding', () => {
    expect(decisions([gzip], 'gzip;level=1;q=0')).toEqual(['header_compressor_used!']);
  });

  it('leaves out compressors that do not serve the type of the answer', () => {
    const json = compressor('gzip', {
      response_direction_config: { common_config: { content_type: ['application/json'] } },
    });
    expect(decisions([json, br], 'gzip, br', 'text/html; charset=utf-8')).toEqual([
      'header_compressor_used!',
      'header_compressor_overshadowed',
    ]);
  });
});
