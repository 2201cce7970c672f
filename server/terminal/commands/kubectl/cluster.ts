import { onOff, value } from '#shell';
import { UsageError } from '../../command.ts';
import { formatTable } from '../../table.ts';
import type { Verb } from '../verb.ts';
import { usage } from './errors.ts';
import { printValue, toYaml } from './output.ts';

const VERSION = 'v1.32.0';
const KUSTOMIZE = 'v5.5.0';
const NAME = 'meshwork';

export const version: Verb = {
  name: 'version',
  manual: 'kubectl version [--client]   The releases of Kubernetes that this terminal and the cluster speak.',
  flags: { client: onOff(), output: value('o') },
  run: async (flags, io) => {
    const output = flags.text('output');
    if (output !== undefined) {
      const told = { major: '1', minor: '32', gitVersion: VERSION };
      const whole = {
        clientVersion: told,
        kustomizeVersion: KUSTOMIZE,
        ...(flags.on('client') ? {} : { serverVersion: told }),
      };
      if (output !== 'json' && output !== 'yaml') throw new UsageError("error: --output must be 'yaml' or 'json'");
      io.out(output === 'json' ? `${JSON.stringify(whole, null, 2)}\n` : toYaml(whole));
      return 0;
    }
    io.out(`Client Version: ${VERSION}\nKustomize Version: ${KUSTOMIZE}\n`);
    if (!flags.on('client')) io.out(`Server Version: ${VERSION}\n`);
    return 0;
  },
};

/** What `config view` prints: without addresses and credentials, which this terminal does not need. */
function viewed(namespace: string) {
  const context = { cluster: NAME, namespace, user: NAME };
  return { apiVersion: 'v1', kind: 'Config', contexts: [{ context, name: NAME }], 'current-context': NAME };
}

export const clusterInfo: Verb = {
  name: 'cluster-info',
  manual: 'kubectl cluster-info   Where the API server of the lab listens.',
  flags: {},
  run: async (_flags, io, { sandbox }) => {
    const { url } = await sandbox.serveApi({ quietly: true });
    io.out(
      `Kubernetes control plane is running at ${url}\n\nTo further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.\n`,
    );
    return 0;
  },
};

export const config: Verb = {
  name: 'config',
  manual: `kubectl config current-context | get-contexts | view
kubectl config set-context --current --namespace=<name>   From then on commands without -n mean this namespace.`,
  flags: { current: onOff(), minify: onOff(), output: value('o') },
  run: async (flags, io, { kube }) => {
    const [action, name] = flags.words;
    switch (action) {
      case 'current-context':
        io.out(`${NAME}\n`);
        return 0;
      case 'get-contexts':
        io.out(
          formatTable(
            ['CURRENT', 'NAME', 'CLUSTER', 'AUTHINFO', 'NAMESPACE'],
            [['*', NAME, NAME, NAME, kube.namespace]],
          ),
        );
        return 0;
      case 'view':
        io.out(printValue(viewed(kube.namespace), { format: flags.text('output') ?? 'yaml' }));
        return 0;
      case 'use-context':
        if (name !== NAME) throw new UsageError(`error: no context exists with the name: "${name ?? ''}"`);
        io.out(`Switched to context "${NAME}".\n`);
        return 0;
      case 'set-context': {
        const namespace = flags.text('namespace');
        if (!flags.on('current') && name !== NAME)
          throw usage('config set-context', 'only the current context is known here');
        if (namespace !== undefined) kube.namespace = namespace;
        io.out(`Context "${NAME}" modified.\n`);
        return 0;
      }
      default:
        throw usage('config', `unknown command "${action ?? ''}"`);
    }
  },
  complete: ({ words }) => (words.length <= 1 ? ['current-context', 'get-contexts', 'set-context', 'view'] : []),
};

export const apiVersions: Verb = {
  name: 'api-versions',
  manual: 'kubectl api-versions   The groups and versions that the API server has.',
  flags: {},
  run: async (_flags, io, { sandbox }) => {
    const all = sandbox.store.kinds.all.flatMap(({ group, versions }) =>
      versions.map((each) => (group === '' ? each : `${group}/${each}`)),
    );
    io.out(
      [...new Set(all)]
        .sort()
        .map((each) => `${each}\n`)
        .join(''),
    );
    return 0;
  },
};

export const top: Verb = {
  name: 'top',
  manual:
    'kubectl top pods | nodes   Needs a metrics server, which this cluster has not: see the view of metrics instead.',
  flags: { selector: value('l'), 'all-namespaces': onOff('A'), containers: onOff() },
  run: async (flags) => {
    const [kind] = flags.words;
    if (!/^(po|pods?|no|nodes?)$/.test(kind ?? '')) throw usage('top', `unknown command "${kind ?? ''}"`);
    throw new UsageError('error: Metrics API not available');
  },
};

/** Verbs that need a screen of their own or the learner's machine, and what does their work here. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'port-forward':
    'no port of your machine leads here. From inside: kubectl exec <pod> -- curl -s localhost:<port>; or use your own kubectl with the lab’s kubeconfig',
  edit: 'there is no editor inside this terminal. Change the file in the editor and press Apply, or use kubectl patch, set or scale',
  attach:
    'this terminal attaches to no program. kubectl logs -f shows what it writes, kubectl exec runs another one beside it',
  debug:
    'this terminal holds no shell of a pod open. kubectl exec <pod> -- sh -c … runs in a container that is there; your own kubectl, with the lab’s kubeconfig, adds another one',
  replace: 'kubectl apply -f does it; to make an object anew: kubectl delete -f, then kubectl create -f',
  autoscale: 'nothing measures the load of pods here. kubectl scale sets the number by hand',
  kustomize: 'there are no kustomizations here. kubectl apply -f takes files and folders',
  restart: 'kubectl rollout restart deploy/<name> makes new pods of a deployment',
  proxy: 'use your own kubectl with the lab’s kubeconfig',
};

/** They answer with a sentence instead of “unknown command”. */
export const elsewhere: readonly Verb[] = Object.entries(ELSEWHERE).map(([name, sentence]) => ({
  name,
  manual: `kubectl ${name}: ${sentence}.`,
  flags: {},
  anyFlags: true,
  run: async () => {
    throw new UsageError(`error: kubectl ${name}: ${sentence}.`);
  },
}));
