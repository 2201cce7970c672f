import { request } from 'node:https';
import { parse } from 'yaml';
import { type ShellContext, UsageError } from '../../command.ts';

const MAX_ANSWER = 8 * 1_048_576;

/** A request to the lab's API server, as an outside kubectl sends it. */
export interface ApiRequest {
  readonly method?: 'GET' | 'POST' | 'PUT';
  /** Path and query. */
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly signal: AbortSignal;
}

interface Access {
  readonly url: string;
  readonly ca: string;
  readonly token: string;
}

/** Address and credentials, from the kubeconfig that outside clients get. */
async function accessTo({ sandbox }: ShellContext): Promise<Access> {
  // A command that only looks changes nothing of the mesh.
  const { url, kubeconfig } = await sandbox.serveApi({ quietly: true });
  const { clusters, users } = parse(kubeconfig) as {
    clusters: { cluster: { 'certificate-authority-data'?: string } }[];
    users: { user: { token?: string } }[];
  };
  const ca = Buffer.from(clusters[0]?.cluster['certificate-authority-data'] ?? '', 'base64').toString('utf8');
  return { url, ca, token: users[0]?.user.token ?? '' };
}

/** Hands the answer's text on as it comes. Throws UsageError for a refusal, in kubectl's words. */
export async function streamApi(asked: ApiRequest, context: ShellContext, out: (text: string) => void): Promise<void> {
  const { url, ca, token } = await accessTo(context);
  const body = asked.body === undefined ? undefined : JSON.stringify(asked.body);
  const headers = {
    authorization: `Bearer ${token}`,
    accept: 'application/json, */*',
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...asked.headers,
  };
  const target = new URL(asked.path, url);
  // A path that names another host would carry the token there.
  if (!asked.path.startsWith('/') || target.origin !== new URL(url).origin)
    throw new UsageError(`error: ${asked.path} is no path of the API server; write one such as /healthz`);
  await new Promise<void>((resolve, reject) => {
    const sent = request(
      target,
      { method: asked.method ?? 'GET', ca, headers, agent: false, signal: asked.signal },
      (answer) => {
        const refused = (answer.statusCode ?? 0) >= 400;
        let text = '';
        let length = 0;
        answer.setEncoding('utf8');
        answer.on('data', (piece: string) => {
          length += piece.length;
          if (refused) text = (text + piece).slice(0, MAX_ANSWER);
          else if (length > MAX_ANSWER) sent.destroy(new UsageError('error: the answer is larger than 8 MiB'));
          else out(piece);
        });
        answer.once('error', reject);
        answer.once('end', () => (refused ? reject(refusal(text)) : resolve()));
      },
    );
    sent.once('error', reject);
    sent.end(body);
  });
}

/** The answer as text. */
export async function askApi(asked: ApiRequest, context: ShellContext): Promise<string> {
  const pieces: string[] = [];
  await streamApi(asked, context, (piece) => void pieces.push(piece));
  return pieces.join('');
}

/** A Status, as kubectl tells it; anything else as it is. */
function refusal(text: string): UsageError {
  try {
    const status = JSON.parse(text) as { kind?: string; reason?: string; message?: string };
    if (status.kind === 'Status')
      return new UsageError(
        status.reason
          ? `Error from server (${status.reason}): ${status.message ?? ''}`
          : `Error from server: ${status.message ?? ''}`,
      );
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return new UsageError(`Error from server: ${text.trim()}`);
}
