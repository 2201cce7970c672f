import { buildSandbox } from '../../../scripts/build-sandbox.mjs';

/** Before the first browser: joins the code of the meshes, when it changed since the last time. */
export default async function joinMeshCode(): Promise<void> {
  await buildSandbox();
}
