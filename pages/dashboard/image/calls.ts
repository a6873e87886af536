import { apiKey } from '../api-key.ts';
import { button, make } from '../element.ts';
import type { ParameterValues } from '../parameter-form.ts';
import { createTabs } from '../tabs.ts';

/** The calls that give what is on the screen. */
export function callTabs(fileName: string, parameters: ParameterValues): HTMLElement {
  const calls = [
    { title: 'curl', text: curlCall(fileName, parameters) },
    { title: 'TypeScript', text: typeScriptCall(fileName, parameters) },
    { title: 'Python', text: pythonCall(fileName, parameters) },
  ];
  const panels = calls.map(({ title, text }) => ({ title, content: codeBlock(title, text) }));
  return createTabs('Language', panels);
}

function codeBlock(title: string, text: string): HTMLElement {
  const copy = button('Copy', () => {
    void navigator.clipboard.writeText(text).then(
      () => {
        copy.textContent = 'Copied';
      },
      () => {
        copy.textContent = 'Select the text to copy it';
      },
    );
  });
  const code = make(
    'pre',
    { tabindex: 0, role: 'region', 'aria-label': `Call in ${title}` },
    make('code', {}, text),
  );
  return make('div', { class: 'code' }, code, copy);
}

function curlCall(fileName: string, parameters: ParameterValues): string {
  const query = new URLSearchParams([
    ['include', 'keypoints'],
    ...Object.entries(parameters).map(([name, value]): [string, string] => [name, String(value)]),
  ]);
  const key = apiKey() === undefined ? '' : ` -H "Authorization: Bearer $EDGESIFT_API_KEY"`;
  const file = `image=@"${fileName.replaceAll('"', '\\"')}"`;
  return `curl${key} -F ${shellQuoted(file)} \\\n  '${location.origin}/api/v1/features/detect?${query}'`;
}

function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function typeScriptCall(fileName: string, parameters: ParameterValues): string {
  const key = apiKey() === undefined ? '' : ', apiKey: process.env.EDGESIFT_API_KEY';
  const options = [
    "include: 'keypoints'",
    ...Object.entries(parameters).map(([name, value]) => `${name}: ${quoted(value)}`),
  ];
  return `import { readFile } from 'node:fs/promises';
import { EdgesiftClient } from 'edgesift';

const client = new EdgesiftClient({ url: '${location.origin}'${key} });
const image = await readFile(${quoted(fileName)});
const { keypoints, x, y, size, angle } = await client.detect(image, { ${options.join(', ')} });`;
}

function pythonCall(fileName: string, parameters: ParameterValues): string {
  const key = apiKey() === undefined ? '' : ', api_key=os.environ["EDGESIFT_API_KEY"]';
  const values = Object.entries(parameters).map(([name, value]) => `, ${name}=${pythonValue(value)}`);
  return `${key === '' ? '' : 'import os\n'}import edgesift

client = edgesift.Client("${location.origin}"${key})
features = client.features(${JSON.stringify(fileName)}${values.join('')})
print(features.xy.shape, features.descriptors.shape)`;
}

function quoted(value: string | number | boolean): string {
  if (typeof value !== 'string') return String(value);
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function pythonValue(value: string | number | boolean): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return JSON.stringify(value);
}
