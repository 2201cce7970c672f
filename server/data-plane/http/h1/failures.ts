/** Why a message is refused: what Envoy answers, its response code details, and a sentence for the learner. */
export interface Failure {
  readonly status: number;
  readonly details: string;
  /** Body of the answer; Envoy sends the reason phrase for errors of the codec and nothing for those found later. */
  readonly body: string;
  readonly explanation: string;
  /** Nobody broke a rule: what the line of the log says instead; `none`: no flag. */
  readonly flag?: 'none' | 'SI';
}

const CODEC_ERROR = 'http1.codec_error';

function badRequest(explanation: string, details = CODEC_ERROR): Failure {
  return { status: 400, details, body: 'Bad Request', explanation };
}

function tooLarge(explanation: string, details: string): Failure {
  return { status: 431, details, body: 'Request Header Fields Too Large', explanation };
}

/** Every refusal of the HTTP/1.1 codec (Envoy: source/common/http/http1/codec_impl.cc and conn_manager_impl.cc). */
export const FAILURES = {
  requestLine: badRequest('The request line is not `METHOD target HTTP/1.1`.'),
  method: badRequest('The method is not one that HTTP knows.'),
  control: badRequest('The request line or a header name holds a control character.', 'http1.invalid_characters'),
  version: badRequest('The protocol version is neither HTTP/1.1 nor HTTP/1.0.'),
  statusLine: badRequest('The status line is not `HTTP/1.1 200 reason`.'),
  bareLineFeed: badRequest('A line ends in a line feed without a carriage return.'),
  headerName: badRequest('A header line does not begin with a name and a colon, or the line is folded.'),
  headerValue: badRequest('A header value holds a control character.', 'http1.invalid_characters'),
  contentLength: badRequest('Content-Length is not one plain number.'),
  lengthAndChunked: badRequest(
    'Content-Length and Transfer-Encoding contradict each other: a way to smuggle requests.',
    'http1.content_length_and_chunked_not_allowed',
  ),
  lengthNotAllowed: badRequest('A 1xx or 204 response announces a body.', 'http1.content_length_not_allowed'),
  encodingNotAllowed: badRequest(
    'A 1xx or 204 response, or an HTTP/1.0 message, has a Transfer-Encoding.',
    'http1.transfer_encoding_not_allowed',
  ),
  connectBody: badRequest('A CONNECT request announces a body.', 'http1.body_disallowed'),
  connectionHeader: badRequest(
    'The Connection header nominates a header that must not be dropped.',
    'http1.connection_header_rejected',
  ),
  url: badRequest('The URL in the request line names no valid host and port.', 'http1.invalid_url'),
  scheme: badRequest('The URL in the request line is neither http nor https.', 'http1.invalid_scheme'),
  target: badRequest('The request target is neither a path nor a URL.'),
  authority: badRequest('The Host header is repeated or holds invalid characters.', 'http.invalid_authority'),
  chunkSize: badRequest('A chunk size is not a hexadecimal number followed by CR LF.'),
  chunkEnd: badRequest('A chunk does not end in CR LF.'),
  chunkExtension: badRequest('Chunk extensions are longer than 16 KiB or hold control characters.'),
  transferEncoding: {
    status: 501,
    details: 'http1.invalid_transfer_encoding',
    body: 'Not Implemented',
    explanation: 'The only Transfer-Encoding that is understood is chunked.',
  },
  headersTooLarge: tooLarge('Request line and headers exceed the size limit.', 'http1.headers_too_large'),
  tooManyHeaders: tooLarge('The message has more header lines than the limit.', 'http1.too_many_headers'),
  trailersTooLarge: tooLarge('The trailers exceed the size limit.', 'http1.headers_too_large'),
  lowVersion: {
    status: 426,
    details: 'low_version',
    body: 'Upgrade Required',
    explanation: 'HTTP/1.0 is not accepted here.',
  },
} as const satisfies Record<string, Failure>;

/** Requests that can be read and lack what they must have: answered like any other, with their line in the log. */
export const REFUSALS = {
  missingHost: { status: 400, details: 'missing_host_header' },
  queryWithoutType: { status: 400, details: 'query_missing_content_type' },
} as const;
