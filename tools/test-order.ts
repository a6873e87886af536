import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Projects with long files first, so that no worker waits at the end for the last long file of another. */
const ORDER = ['workerd', 'deno', 'miniflare', 'service', 'unit'];

/** The order of test files: that of vitest within a project, longest first as far as durations are known. */
export default class TestOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ project }: TestSpecification) => ORDER.indexOf(project.name);
    return (await super.sort(files)).toSorted((one, other) => rank(one) - rank(other));
  }
}
