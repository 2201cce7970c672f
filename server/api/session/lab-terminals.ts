import type { Clock } from '#domain';
import type { Sandbox } from '#sandbox';
import type { ShellFiles } from '#shell';
import type { HandClient } from '#xds';
import type { Applies } from './applies.ts';
import type { Emit } from './ports.ts';
import { createTerminals, type Terminals } from './terminals.ts';

export interface LabTerminalsOptions {
  readonly emit: Emit;
  readonly clock: Clock;
  readonly hand: HandClient;
  readonly files: ShellFiles;
  readonly sandbox: () => Sandbox;
  readonly applies: () => Applies;
}

/** The terminals of a lab: what they change is numbered and followed as what the editor changes. */
export function createLabTerminals({ emit, clock, hand, files, sandbox, applies }: LabTerminalsOptions): Terminals {
  const kube = { namespace: 'default' };
  const terminals = createTerminals({
    emit,
    clock,
    context: () => ({
      get sandbox() {
        return sandbox();
      },
      clock,
      xds: hand,
      files,
      kube,
      mintChangeId: () => applies().mintChangeId(),
      changed: (changeId, title) => applies().follow(changeId, title),
      apply: async (manifests, { namespace, title }) => {
        const outcome = await sandbox().apply(manifests, { namespace });
        if (outcome.accepted && outcome.objects.some((object) => object.outcome !== 'unchanged'))
          applies().follow(outcome.changeId, title);
        return outcome;
      },
    }),
    variables: () => {
      const { ingress } = sandbox();
      const address = ingress
        ? ([
            ['INGRESS_HOST', ingress.ip],
            ['INGRESS_PORT', String(ingress.port)],
            ['GATEWAY_URL', `${ingress.ip}:${ingress.port}`],
          ] as const)
        : [];
      return new Map<string, string>([['HOME', '~'], ...address]);
    },
  });
  return {
    ...terminals,
    stop: () => {
      terminals.stop();
      kube.namespace = 'default';
    },
  };
}
