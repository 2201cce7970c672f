// The child process: gRPC's own xDS client, unmodified. It must be a process of its own, because the library keeps a global
// registry, reads its bootstrap once, and may end the process on configuration that it does not expect.
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { register, XdsChannelCredentials } from '@grpc/grpc-js-xds';
import { type AskCommand, type AskReply, askPath } from './messages.ts';

const CONCURRENCY = 10;
const channels = new Map<string, Client>();
const asText = (bytes: Buffer): string => bytes.toString('utf8');
const asBytes = (): Buffer => Buffer.alloc(0);

function channelTo(target: string): Client {
  const known = channels.get(target);
  if (known) return known;
  // With these the control plane decides about TLS; where it says nothing, plaintext it is.
  const channel = new Client(target, new XdsChannelCredentials(credentials.createInsecure()));
  channels.set(target, channel);
  return channel;
}

function askOnce({ target, timeoutMs, headers }: AskCommand): Promise<string> {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return new Promise((resolve) => {
    const answer = (error: ServiceError | null, name?: string): void =>
      resolve(error ? `${status[error.code]}: ${error.details}` : (name ?? ''));
    const options = { deadline: Date.now() + timeoutMs };
    channelTo(target).makeUnaryRequest(askPath, asBytes, asText, {}, metadata, options, answer);
  });
}

async function ask(command: AskCommand): Promise<AskReply> {
  const answers: Record<string, number> = {};
  let left = command.count;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const answer = await askOnce(command);
      answers[answer] = (answers[answer] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return { id: command.id, answers };
}

register();
process.on('message', (command: AskCommand) => void ask(command).then((reply) => process.send?.(reply)));
process.on('disconnect', () => process.exit(0));
