/** The bytes of one message exchange on one connection, as Envoy's BytesMeter counts them. */
export class ByteMeter {
  /** With framing, heads and trailers. */
  wireReceived = 0;
  wireSent = 0;
  /** Lines of headers, without first lines and what ends a head. */
  headerReceived = 0;
  headerSent = 0;
  /** HTTP/2: names and values before they were compressed. */
  plainHeaderReceived = 0;
  plainHeaderSent = 0;
}
