import { type Command, UsageError } from '../../command.ts';
import { withVerbs } from '../verbs.ts';
import { apiResources } from './api-resources.ts';
import { apply } from './apply.ts';
import { auth } from './auth.ts';
import { patch, scale } from './change.ts';
import { apiVersions, clusterInfo, config, elsewhere, top, version } from './cluster.ts';
import { cp } from './cp.ts';
import { create } from './create.ts';
import { remove } from './delete.ts';
import { describe } from './describe/index.ts';
import { diff } from './diff.ts';
import { drain } from './drain.ts';
import { explainStatus } from './errors.ts';
import { events } from './event-list.ts';
import { exec } from './exec.ts';
import { explain } from './explain.ts';
import { get } from './get.ts';
import { logs } from './logs.ts';
import { annotate, label } from './metadata.ts';
import { cordon, taint, uncordon } from './nodes.ts';
import { rollout } from './rollout.ts';
import { set } from './set.ts';
import { wait } from './wait.ts';
import { expose, run } from './workloads.ts';

export const kubectl: Command = withVerbs({
  name: 'kubectl',
  summary: 'look at and change the cluster',
  intro: 'kubectl works on the lab’s own cluster, as it would on a real one.',
  verbs: [
    get,
    describe,
    apply,
    create,
    remove,
    logs,
    exec,
    cp,
    label,
    annotate,
    scale,
    rollout,
    patch,
    explain,
    apiResources,
    set,
    expose,
    run,
    wait,
    events,
    diff,
    version,
    clusterInfo,
    config,
    auth,
    apiVersions,
    top,
    cordon,
    uncordon,
    taint,
    drain,
    ...elsewhere,
  ],
  unknown: (word, { sandbox }) =>
    sandbox.store.kinds.find(word) === undefined
      ? undefined
      : new UsageError(`Error: unknown command "${word}" for "kubectl"\n\nDid you mean this?\n\tkubectl get ${word}\n`),
  explain: explainStatus,
});
