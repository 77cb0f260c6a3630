//! The system calls that are left to a worker (seccomp). Three filters, of whose answers the strictest
//! counts: what only an intruder would ask for ends the process, so that it is noticed; what is not on the
//! list of what an inspection needs is refused; and `clone3`, whose argument no filter can see, is said not
//! to exist, so that the C library makes threads with `clone`.

use std::collections::BTreeMap;

use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, apply_filter,
};

/// What the kernel asks for: a list of system calls, each with the arguments that it is about; without any
/// it is about all.
type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// The filters could not be made or applied.
#[derive(Debug, thiserror::Error)]
pub(super) enum FilterError {
    /// Making one failed, for example because there is none for this processor.
    #[error(transparent)]
    Making(#[from] BackendError),
    /// The kernel refused one.
    #[error(transparent)]
    Applying(#[from] seccompiler::Error),
}

/// Leaves this thread, and those that it makes, the system calls of an inspection.
///
/// # Errors
/// [`FilterError`], after which some may be in force.
pub(super) fn restrict() -> Result<(), FilterError> {
    let refused = SeccompAction::Errno(libc::EPERM as u32);
    let absent = SeccompAction::Errno(libc::ENOSYS as u32);
    let filters = [
        filter(ending()?, SeccompAction::Allow, SeccompAction::KillProcess)?,
        filter(
            unconditional(&[libc::SYS_clone3]),
            SeccompAction::Allow,
            absent,
        )?,
        filter(left()?, refused, SeccompAction::Allow)?,
    ];
    for filter in &filters {
        apply_filter(filter)?;
    }
    Ok(())
}

fn filter(
    rules: Rules,
    otherwise: SeccompAction,
    listed: SeccompAction,
) -> Result<BpfProgram, BackendError> {
    let processor = TargetArch::try_from(std::env::consts::ARCH)?;
    SeccompFilter::new(rules, otherwise, listed, processor)?.try_into()
}

fn unconditional(calls: &[libc::c_long]) -> Rules {
    calls.iter().map(|call| (*call, Vec::new())).collect()
}

/// What a worker that was taken over would try: programs, processes, sockets, other processes' memory, and
/// the parts of the kernel that break most.
const ENDING: &[libc::c_long] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_fork,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_vfork,
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_kill,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_chroot,
    libc::SYS_pivot_root,
    libc::SYS_open_by_handle_at,
    libc::SYS_memfd_create,
    libc::SYS_bpf,
    libc::SYS_io_uring_setup,
    libc::SYS_userfaultfd,
    libc::SYS_perf_event_open,
    libc::SYS_keyctl,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_kexec_load,
];

fn ending() -> Result<Rules, BackendError> {
    let mut rules = unconditional(ENDING);
    let is_process = condition(0, SeccompCmpOp::MaskedEq(THREAD), 0)?;
    rules.insert(libc::SYS_clone, vec![SeccompRule::new(vec![is_process])?]);
    Ok(rules)
}

/// What an inspection and its thread need whatever the arguments are. Nothing here takes a path.
const LEFT: &[libc::c_long] = &[
    libc::SYS_read,
    libc::SYS_pread64,
    libc::SYS_lseek,
    libc::SYS_fstat,
    libc::SYS_close,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_futex,
    libc::SYS_clone3,
    libc::SYS_rseq,
    libc::SYS_set_robust_list,
    libc::SYS_sigaltstack,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_restart_syscall,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_membarrier,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// The flag of `clone` that makes a thread and not a process.
const THREAD: u64 = libc::CLONE_THREAD as u64;

/// The flag of memory that can be run.
const RUNNABLE: u64 = libc::PROT_EXEC as u64;

/// `PR_SET_VMA`, by which allocators name their memory.
const NAME_MEMORY: u64 = 0x5356_4d41;

fn left() -> Result<Rules, BackendError> {
    use SeccompCmpOp::{Eq, MaskedEq};
    let mut rules = unconditional(LEFT);
    let this_process = u64::from(std::process::id());
    let conditional = [
        // Standard output and standard error.
        (libc::SYS_write, vec![(0, Eq, 1), (0, Eq, 2)]),
        (libc::SYS_writev, vec![(0, Eq, 1), (0, Eq, 2)]),
        // Memory that cannot be run.
        (libc::SYS_mmap, vec![(2, MaskedEq(RUNNABLE), 0)]),
        (libc::SYS_mprotect, vec![(2, MaskedEq(RUNNABLE), 0)]),
        // Threads.
        (libc::SYS_clone, vec![(0, MaskedEq(THREAD), THREAD)]),
        (
            libc::SYS_prctl,
            vec![(0, Eq, libc::PR_SET_NAME as u64), (0, Eq, NAME_MEMORY)],
        ),
        // Aborting.
        (libc::SYS_tgkill, vec![(0, Eq, this_process)]),
        // What the standard library asks of what it closes.
        (libc::SYS_fcntl, vec![(1, Eq, libc::F_GETFD as u64)]),
    ];
    for (call, any_of) in conditional {
        let any_of = any_of.into_iter().map(|(argument, operator, value)| {
            SeccompRule::new(vec![condition(argument, operator, value)?])
        });
        rules.insert(call, any_of.collect::<Result<_, _>>()?);
    }
    Ok(rules)
}

/// A condition on the lower 32 bits of the argument at the place `argument`, counted from 0: on descriptors,
/// flags and the like, of which the kernel looks at no more.
fn condition(
    argument: u8,
    operator: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)
}
