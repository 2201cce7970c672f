const asIs = (bytes: Buffer): Buffer => bytes;

/**
 * A gRPC method with streams both ways whose messages stay bytes: they are read where a failure can be told from others, and answered with the
 * right status.
 */
export const rawStream = (path: string) => ({
  path,
  requestStream: true,
  responseStream: true,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
});
