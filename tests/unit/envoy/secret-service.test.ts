import { Client, credentials, Server, ServerCredentials } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { discoveryRequest, discoveryResponse, typeUrls } from '#xds';
import { SecretStore } from '../../../server/data-plane/agent/secret-store.ts';
import { addSecretService } from '../../../server/envoy/secret-service.ts';

const PATH = '/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets';
const NAME = 'file-cert:/etc/certs/cert.pem~/etc/certs/key.pem';

describe('the secrets that the agent serves to an Envoy', () => {
  const ends: (() => void)[] = [];
  afterEach(() => {
    for (const end of ends.splice(0)) end();
  });

  it('are read from files of the container, and sent again only when what is in them has changed', async () => {
    const files = new Map<string, string>();
    const server = new Server();
    const look = addSecretService(server, new SecretStore(undefined, (path) => files.get(path)));
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      ),
    );
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    const bytes = (each: Buffer): Buffer => each;
    const call = client.makeBidiStreamRequest(PATH, bytes, bytes);
    call.on('error', () => undefined);
    ends.push(
      () => call.cancel(),
      () => client.close(),
      () => server.forceShutdown(),
    );
    const answers: number[] = [];
    let told: () => void = () => undefined;
    call.on('data', (answer: Buffer) => {
      answers.push(discoveryResponse.read(answer).resources.length);
      told();
    });
    const next = async (act: () => void): Promise<void> => {
      const heard = new Promise<void>((resolve) => (told = resolve));
      act();
      await heard;
    };
    await next(() => call.write(discoveryRequest.write({ typeUrl: typeUrls.secret, resourceNames: [NAME] })));
    expect(answers).toEqual([0]);
    files.set('/etc/certs/cert.pem', 'chain');
    look();
    files.set('/etc/certs/key.pem', 'key');
    await next(look);
    look();
    files.set('/etc/certs/key.pem', 'another key');
    await next(look);
    expect(answers).toEqual([0, 1, 1]);
  });
});
