import { balancingLabels, matchesLabels } from '../../config/labels.ts';
import type { CompiledRetryPolicy } from '../../config/retry-policy.ts';
import type { Host } from '../../upstream/host.ts';
import type { HostChoice, TriedHosts } from '../../upstream/pick-context.ts';
import { TriedPriorities } from '../../upstream/tried-priorities.ts';

/** Where the tries of one request went, and what its policy makes of that for the next one; made at the first retry. */
export class RetryHosts implements TriedHosts {
  /** Addresses. */
  readonly avoid = new Set<string>();
  readonly redraws: number;
  readonly priorities: TriedPriorities | undefined;
  readonly #policy: CompiledRetryPolicy;

  constructor(policy: CompiledRetryPolicy) {
    this.#policy = policy;
    this.redraws = policy.hostSelectionAttempts;
    this.priorities = policy.priorityFrequency === 0 ? undefined : new TriedPriorities(policy.priorityFrequency);
  }

  /** A try at this host is over. */
  left(choice: HostChoice | undefined): void {
    if (choice === undefined) return;
    const { candidates, host } = choice;
    if (this.#policy.previousHosts) this.avoid.add(host.key);
    this.priorities?.add(candidates?.priority ?? host.endpoint.priority);
  }

  readonly omits = ({ endpoint }: Host): boolean => {
    const labels = balancingLabels(endpoint.metadata);
    return this.#policy.omitted.some((wanted) => matchesLabels(wanted, labels, true));
  };
}
