import { parse } from 'yaml';
import { ISTIO_MESH_DEFAULTS, type MeshConfig, readMeshText } from '#control-plane';
import { errorMessage } from '#domain';
import { type CliIo, readFiles, UsageError } from './command.ts';

/** MeshConfig from a YAML file, over Istio's defaults. Throws `UsageError` when it cannot be read. */
export async function readMeshFile(file: string, io: CliIo): Promise<MeshConfig> {
  const [read] = await readFiles([file], io);
  let value: unknown;
  try {
    value = parse(read?.text ?? '');
  } catch (cause) {
    throw new UsageError(`${file} is no YAML: ${errorMessage(cause)}`);
  }
  return readMeshText(value, ISTIO_MESH_DEFAULTS);
}
