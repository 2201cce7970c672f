import { createConnection } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestCluster, type TestCluster } from '../support/kube-cluster/cluster.ts';
import { type Kubectl, kubectlPath, kubectlWith } from '../support/kube-cluster/kubectl.ts';
import { podYaml } from './kubectl/manifests.ts';

describe.skipIf(!kubectlPath)('the real kubectl reaches into pods', () => {
  let cluster: TestCluster;
  let kubectl: Kubectl;

  beforeAll(async () => {
    cluster = await startTestCluster();
    kubectl = kubectlWith(cluster.kubeconfig);
    await kubectl.run(['apply', '-f', '-'], { input: podYaml('web') });
    cluster.store.updateStatus('Pod', { namespace: 'default', name: 'web' }, { phase: 'Running' }, { changeId: '' });
  });
  afterAll(async () => {
    kubectl.dispose();
    await cluster.stop();
  });

  it('reads logs, all, the last line, some bytes, and on', async () => {
    expect((await kubectl.run(['logs', 'web'])).out).toBe('web/app: first\nweb/app: second\nweb/app: third');
    expect((await kubectl.run(['logs', 'web', '--tail=1'])).out).toBe('web/app: third');
    expect((await kubectl.run(['logs', 'web', '--limit-bytes=7'])).out).toBe('web/app');
    expect((await kubectl.run(['logs', 'web', '-f', '--tail=1'])).out).toBe('web/app: third\nfollowed');
  });

  it('proxies HTTP to a pod, path and query untouched and without credentials', async () => {
    const raw = (path: string) => kubectl.run(['get', '--raw', `/api/v1/namespaces/default/pods/${path}`]);
    const answer = (path: string): string => `GET ${path}, credentials: none`;
    expect((await raw('web:8080/proxy/a%20b/c?d=e%2Ff')).out).toBe(answer('/a%20b/c?d=e%2Ff'));
    expect((await raw('web:8080/proxy')).out).toBe(answer('/'));
    const refused = 'error trying to reach service: dial tcp 10.0.0.1:81: connect: connection refused';
    expect((await raw('web:81/proxy/')).err).toBe(`Error from server (ServiceUnavailable): ${refused}`);
    expect((await raw('gone:8080/proxy/')).err).toBe('Error from server (NotFound): pods "gone" not found');
  });

  // kubectl falls back to SPDY where WebSockets are switched off, as those before 1.29 always do.
  describe.each(['true', 'false'])('with WebSockets for commands: %s', (websockets) => {
    const env = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: websockets };

    it('runs a program and prints what it says', async () => {
      expect(await kubectl.run(['exec', 'web', '--', 'echo', 'hello there'], { env })).toEqual({
        code: 0,
        out: 'hello there',
        err: '',
      });
    });

    it('exits with the program’s exit code', async () => {
      expect(await kubectl.run(['exec', 'web', '--', 'fail', '3'], { env })).toEqual({
        code: 3,
        out: '',
        err: 'it went wrong\ncommand terminated with exit code 3',
      });
    });

    it('sends its input and keeps every byte of a long output', async () => {
      const input = 'x'.repeat(200_000);
      expect((await kubectl.run(['exec', '-i', 'web', '--', 'cat'], { env, input })).out).toBe(input);
      const { out } = await kubectl.run(['exec', 'web', '--', 'many', '20000'], { env });
      expect(out.split('\n')).toHaveLength(20_000);
    });

    it('attaches', async () => {
      expect((await kubectl.run(['attach', 'web'], { env })).out).toContain('attached to web/app');
    });
  });

  // The tunnel through a WebSocket is the default from 1.31 on; before, the connection itself is upgraded.
  describe.each(['true', 'false'])('with WebSockets for ports: %s', (websockets) => {
    it('forwards a port, several connections, and tells when nothing listens', async () => {
      const forwarding = kubectlWith(cluster.kubeconfig);
      const running = forwarding.start(['port-forward', 'pod/web', ':8080', ':9999'], {
        KUBECTL_PORT_FORWARD_WEBSOCKETS: websockets,
      });
      try {
        const printed = await running.printed('-> 9999');
        const [, open, closed] = /:(\d+) -> 8080.*:(\d+) -> 9999/s.exec(printed) ?? [];
        const ask = async (port: string | undefined, word: string): Promise<string> => {
          const socket = createConnection({ host: '127.0.0.1', port: Number(port) });
          socket.end(word);
          return text(socket);
        };
        expect(await Promise.all([ask(open, 'one'), ask(open, 'two')])).toEqual(['echo:one', 'echo:two']);
        const refused = createConnection({ host: '127.0.0.1', port: Number(closed) });
        refused.on('error', () => refused.destroy());
        refused.write('hello');
        expect(await running.printed('connection refused')).toContain('error forwarding port 9999 to pod web, uid');
      } finally {
        running.end();
        forwarding.dispose();
      }
    });
  });

  // The last one: kubectl tells of further containers of a pod from now on.
  it('adds an ephemeral container to a pod, and nothing else', async () => {
    expect((await kubectl.run(['debug', 'web', '--image=busybox', '-c', 'look', '--', 'true'])).code).toBe(0);
    const names = '{.spec.containers[*].name} {.spec.ephemeralContainers[*].name}';
    expect((await kubectl.run(['get', 'pod', 'web', '-o', `jsonpath=${names}`])).out).toBe('app look');
    const twice = await kubectl.run(['debug', 'web', '--image=busybox', '-c', 'app', '--', 'true']);
    expect([twice.code, twice.err]).toEqual([1, expect.stringContaining('app')]);
  });
});
