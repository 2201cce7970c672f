import type { ShellContext } from '../command.ts';
import { names } from './kubectl/targets.ts';
import type { Typed } from './verb.ts';

const OUTPUTS = ['wide', 'yaml', 'json', 'name', 'jsonpath=', 'go-template=', 'custom-columns='];

/** Candidates for the value of a flag. */
export function completeFlagValue(flag: string, { words, namespace }: Typed, context: ShellContext): readonly string[] {
  switch (flag) {
    case 'namespace':
      return names(context, 'Namespace', undefined);
    case 'filename':
      return context.files.list('');
    case 'output':
      return OUTPUTS;
    case 'container': {
      const pods = context.sandbox.pods.filter(
        (pod) =>
          pod.namespace === namespace &&
          words.some((word) => word !== '' && pod.name.startsWith(word.replace(/^.*\//, ''))),
      );
      return pods.flatMap((pod) => pod.containers.map((container) => container.name));
    }
    case 'selector': {
      const labels = context.sandbox.pods.filter((pod) => pod.namespace === namespace).map((pod) => pod.labels);
      return labels.flatMap((each) => Object.entries(each).map(([key, text]) => `${key}=${text}`));
    }
    case 'type':
      return ['json', 'merge', 'strategic'];
    case 'direction':
      return ['inbound', 'outbound'];
    default:
      return [];
  }
}
