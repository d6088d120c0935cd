"""A small, honest shell: what ``sh -c "..."`` in a busybox container runs.

A script is compiled once into *blocks* of instructions (:mod:`.compile`, a pure function of the text), and a process that
runs it is nothing but a few program counters, variables and buffers (:mod:`.state`, :mod:`.machine`). That is why a
container that sleeps in the middle of a loop can be saved, forked and rewound like everything else: there is no generator
and no thread behind it.

    for i in 1 2; do echo $i; sleep 1; done
       0 for (1, 2)      1 next i -> 5      2 run echo $i      3 run sleep 1      4 jump -> 1      5 endfor

Commands are pure functions from a :class:`.commands.Call` to a :class:`.commands.Result` (:mod:`.commands`, :mod:`.files`,
:mod:`.text`, :mod:`.networking`); a new one is a function and a row in a table. What is not simulated says so and ends
with code 127.
Simplified: the stages of a pipeline run one after the other, so an endless first stage never feeds the second.
"""
