window.addEventListener('load', function () {
  if (/[?&]reason=2/.test(window.location.search)) {
    document.getElementById('signInErrorDiv').textContent =
      "The user name or password you entered isn't correct. Try entering it again.";
  }
  document.getElementById('username').focus();
});
