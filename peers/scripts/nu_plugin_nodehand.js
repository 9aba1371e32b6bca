#!/usr/bin/env node
// A small plugin as many people write them: JSON by hand, line by line.
// It honours acks, and ignores any message it does not know.
'use strict'

const WINDOW = 100 // unacknowledged items that the protocol allows
let nextEngineCall = 0
let closing = false
let running = 0
const engineCalls = new Map() // engine call id -> resolve
const producers = new Map() // stream id -> { unacknowledged, dropped, wake }
const consumers = new Map() // stream id -> { add, end }

const send = (message) => process.stdout.write(JSON.stringify(message) + '\n')
const value = (kind, val, span) => ({ [kind]: { val, span } })
const nothing = (span) => ({ Nothing: { span } })
const respond = (id, answer) =>
  send({ CallResponse: [id, { PipelineData: { Value: [answer, null] } }] })
const fail = (id, msg, text, span) =>
  send({ CallResponse: [id, { Error: { msg, labels: [{ text, span }] } }] })

const signature = (name, description, positional = []) => ({
  sig: {
    name,
    description,
    extra_description: '',
    search_terms: [],
    required_positional: positional.map(([name, shape]) => ({ name, desc: '', shape })),
    optional_positional: [],
    named: [],
    input_output_types: [],
    allow_variants_without_examples: true,
    is_filter: false,
    creates_scope: false,
    allows_unknown_args: false,
    category: { Custom: 'hand' }
  },
  examples: []
})

const SIGNATURES = [
  signature('node echo', 'Returns its input value'),
  signature('node upper', 'Upper-cases its input string'),
  signature('node list', 'Streams that many integers', [['count', 'Int']]),
  signature('node error', 'Fails with a label'),
  signature('node env', 'Asks the engine for an environment variable', [['name', 'String']]),
  signature('node cwd', 'Asks the engine for the current directory'),
  signature('node sum', 'Adds a list or stream of numbers')
]

function askEngine (context, call) {
  const id = nextEngineCall++
  send({ EngineCall: { context, id, call } })
  return new Promise((resolve) => engineCalls.set(id, resolve)).then((response) => {
    const header = response.PipelineData
    return header && header.Value ? header.Value[0] : null
  })
}

async function produce (id, head, count) {
  const stream = { unacknowledged: 0, dropped: false, wake: () => {} }
  producers.set(id, stream)
  send({ CallResponse: [id, { PipelineData: { ListStream: { id, span: head } } }] })
  for (let n = 0; n < count && !stream.dropped; n++) {
    while (stream.unacknowledged >= WINDOW && !stream.dropped) {
      await new Promise((resolve) => { stream.wake = resolve })
    }
    if (!stream.dropped) {
      stream.unacknowledged++
      send({ Data: [id, { List: value('Int', n, head) }] })
    }
  }
  send({ End: id })
}

function collect (header) {
  if (header.ListStream) {
    const items = []
    return new Promise((resolve) => consumers.set(header.ListStream.id, {
      add: (item) => items.push(item),
      end: () => resolve(items)
    }))
  }
  return Promise.resolve(header.Value ? header.Value[0].List?.vals ?? [] : [])
}

async function sum (id, head, header) {
  let total = 0
  let float = false
  for (const item of await collect(header)) {
    const number = item.Int ?? item.Float
    if (!number) return fail(id, 'cannot add ' + Object.keys(item)[0], 'while adding', head)
    float ||= item.Float !== undefined
    total += number.val
  }
  respond(id, value(float ? 'Float' : 'Int', total, head))
}

async function run (id, { name, call, input }) {
  const head = call.head
  const given = input.Value ? input.Value[0] : nothing(head)
  switch (name) {
    case 'node echo':
      return respond(id, given)
    case 'node upper':
      return given.String
        ? respond(id, value('String', given.String.val.toUpperCase(), head))
        : fail(id, 'expected a string', 'the input of this', head)
    case 'node list':
      return produce(id, head, call.positional[0].Int.val)
    case 'node error':
      return fail(id, 'this always fails', 'called here', head)
    case 'node env':
      return respond(id, await askEngine(id, { GetEnvVar: call.positional[0].String.val }) ?? nothing(head))
    case 'node cwd':
      return respond(id, await askEngine(id, 'GetCurrentDir') ?? nothing(head))
    case 'node sum':
      return sum(id, head, input)
    default:
      return fail(id, 'unknown command ' + name, 'called here', head)
  }
}

function leaveIfDone () {
  if (closing && running === 0) process.exit(0)
}

function handle (message) {
  if (message === 'Goodbye') {
    closing = true
    leaveIfDone()
  } else if (message.Call) {
    const [id, call] = message.Call
    if (call === 'Metadata') {
      send({ CallResponse: [id, { Metadata: { version: '0.1.0' } }] })
    } else if (call === 'Signature') {
      send({ CallResponse: [id, { Signature: SIGNATURES }] })
    } else if (call.Run) {
      running++
      run(id, call.Run).finally(() => { running--; leaveIfDone() })
    } else if (call.CustomValueOp) {
      const span = call.CustomValueOp[0].span
      fail(id, 'no custom values here', 'this value', span)
    }
  } else if (message.EngineCallResponse) {
    const [id, response] = message.EngineCallResponse
    engineCalls.get(id)?.(response)
    engineCalls.delete(id)
  } else if (message.Data) {
    const [id, data] = message.Data
    consumers.get(id)?.add(data.List)
    send({ Ack: id })
  } else if (message.End !== undefined) {
    consumers.get(message.End)?.end()
    consumers.delete(message.End)
    send({ Drop: message.End })
  } else if (message.Ack !== undefined) {
    const stream = producers.get(message.Ack)
    if (stream) { stream.unacknowledged--; stream.wake() }
  } else if (message.Drop !== undefined) {
    const stream = producers.get(message.Drop)
    if (stream) { stream.dropped = true; stream.wake() }
    producers.delete(message.Drop)
  }
}

if (process.argv[2] !== '--stdio') {
  process.stderr.write('nodehand: only --stdio is supported\n')
  process.exit(1)
}
process.stdout.write('\x04json')
send({
  Hello: { protocol: 'nu-plugin', version: process.env.HAND_VERSION ?? '0.115.1', features: [] }
})
const lines = require('node:readline').createInterface({ input: process.stdin })
lines.on('line', (line) => handle(JSON.parse(line)))
lines.on('close', () => process.exit(0))
