# Which codec plugins are built: those whose library is here, and two that are for whoever wants them.
codec_plugins="g711 l16 cn opus"
codec_plugins_skipped=

# CODEC_PLUGIN(name, NAME, pkg-config modules)
AC_DEFUN([CODEC_PLUGIN], [
  PKG_CHECK_MODULES([$2], [$3], [codec_plugins="$codec_plugins $1"; have_$1=yes],
    [codec_plugins_skipped="$codec_plugins_skipped $1 (no $3)"; have_$1=no])
  AM_CONDITIONAL([CODEC_$2], [test "x$have_$1" = xyes])
])
# CODEC_PLUGIN_ASKED(name, NAME, pkg-config modules, why it is off by default)
AC_DEFUN([CODEC_PLUGIN_ASKED], [
  AC_ARG_ENABLE([$1], [AS_HELP_STRING([--enable-$1], [the $1 plugin; off by default: $4])], [], [enable_$1=no])
  AS_IF([test "x$enable_$1" = xno], [codec_plugins_skipped="$codec_plugins_skipped $1 (no --enable-$1)"],
    [PKG_CHECK_MODULES([$2], [$3])
     codec_plugins="$codec_plugins $1"])
  AM_CONDITIONAL([CODEC_$2], [test "x$enable_$1" != xno])
])

CODEC_PLUGIN([g722], [G722], [spandsp >= 0.0.6])
CODEC_PLUGIN([g726], [G726], [spandsp >= 0.0.6])
CODEC_PLUGIN([speex], [SPEEX], [speex >= 1.2])
CODEC_PLUGIN([amr], [AMR], [opencore-amrnb opencore-amrwb vo-amrwbenc])
CODEC_PLUGIN_ASKED([g729], [G729], [libbcg729], [its library is under the GPL 3])
CODEC_PLUGIN_ASKED([g723], [G723], [libavcodec >= 59 libavutil], [it brings all of libavcodec into the process])

# libgsm has no pkg-config file.
AC_CHECK_LIB([gsm], [gsm_create], [AC_CHECK_HEADER([gsm/gsm.h], [have_gsm=yes], [have_gsm=no])], [have_gsm=no])
AS_IF([test $have_gsm = yes], [codec_plugins="$codec_plugins gsm"],
  [codec_plugins_skipped="$codec_plugins_skipped gsm (no libgsm)"])
AM_CONDITIONAL([CODEC_GSM], [test $have_gsm = yes])
AC_SUBST([GSM_LIBS], [-lgsm])

AC_SUBST([codec_plugins])
