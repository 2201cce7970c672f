import type { HopRecord, HopTracing } from '#domain';
import type { Familiar } from './familiar.ts';

/** Stories of one proxy that are tried, the one that fitted last first: as many as it has hosts, routes and ways to fail in use. */
const MOST_STORIES = 24;
/** The first ones stand where they are: two that take turns need not change places each time. */
const OFTEN = 2;
/** Proxies whose stories are kept; then they are learnt anew. */
const MOST_PROXIES = 500;

/** What is told alike of hop after hop: whose it is, and which parts of the configuration it met. */
export interface HopStory {
  readonly proxy: HopRecord['proxy'];
  readonly method: string;
  readonly protocol: string;
  readonly flags: readonly string[];
  readonly details: string;
  readonly routeName: string;
  readonly cluster: string;
  readonly upstreamHost: string;
  readonly pushVersion: string;
  readonly peer: string | undefined;
  readonly operation: string | undefined;
  readonly tags: HopTracing['tags'] | undefined;
  readonly scheme: string;
  readonly userAgent: string;
  readonly peerIp: string;
}

/** The few stories that hops have: long-lived objects, so that a hop needs to keep no more than a reference. */
export class HopStories {
  readonly #familiar: Familiar;
  readonly #byProxy = new Map<HopRecord['proxy'], HopStory[]>();

  constructor(familiar: Familiar) {
    this.#familiar = familiar;
  }

  find(hop: HopRecord): HopStory {
    let stories = this.#byProxy.get(hop.proxy);
    if (stories === undefined) {
      if (this.#byProxy.size >= MOST_PROXIES) this.#byProxy.clear();
      stories = [];
      this.#byProxy.set(hop.proxy, stories);
    }
    for (let i = 0; i < stories.length; i++) {
      const story = stories[i]!;
      if (!tells(story, hop)) continue;
      if (i >= OFTEN) stories.unshift(...stories.splice(i, 1));
      return story;
    }
    const story = this.#storyOf(hop);
    if (stories.unshift(story) > MOST_STORIES) stories.pop();
    return story;
  }

  clear(): void {
    this.#byProxy.clear();
  }

  #storyOf(hop: HopRecord): HopStory {
    const familiar = this.#familiar;
    const { operation, peer, request, response, tracing } = hop;
    return {
      proxy: hop.proxy,
      method: familiar.text(request.method),
      protocol: familiar.text(request.protocol),
      flags: familiar.list(response.flags),
      details: familiar.text(response.details),
      routeName: familiar.text(hop.routeName),
      cluster: familiar.text(hop.cluster),
      upstreamHost: familiar.text(hop.upstreamHost),
      pushVersion: familiar.text(hop.pushVersion),
      peer: peer === undefined ? undefined : familiar.text(peer),
      operation: operation === undefined ? undefined : familiar.text(operation),
      tags: tracing?.tags,
      scheme: familiar.text(tracing?.scheme ?? ''),
      userAgent: familiar.text(tracing?.userAgent ?? ''),
      peerIp: familiar.text(tracing?.peerIp ?? ''),
    };
  }
}

/** Whether a story is that of a hop of the same proxy. What differs most often is compared first. */
function tells(story: HopStory, hop: HopRecord): boolean {
  const { request, response, tracing } = hop;
  return (
    story.cluster === hop.cluster &&
    story.upstreamHost === hop.upstreamHost &&
    story.routeName === hop.routeName &&
    story.details === response.details &&
    story.method === request.method &&
    story.peer === hop.peer &&
    story.operation === hop.operation &&
    story.pushVersion === hop.pushVersion &&
    story.protocol === request.protocol &&
    sameWords(story.flags, response.flags) &&
    story.tags === tracing?.tags &&
    (tracing === undefined ||
      (story.scheme === tracing.scheme && story.userAgent === tracing.userAgent && story.peerIp === tracing.peerIp))
  );
}

function sameWords(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
